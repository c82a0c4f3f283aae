package syntax

import (
	"fmt"
	"strings"
)

func quoteRune(c rune) string {
	switch {
	case c == end:
		return "the end of the file"
	case c == '\t':
		return "a tab"
	case isBreak(c):
		return "the end of the line"
	case c == ' ':
		return "a space"
	}
	return string(c)
}

func spaces(column int) string {
	switch column {
	case 1:
		return "0 spaces"
	case 2:
		return "1 space"
	}
	return fmt.Sprintf("%d spaces", column-1)
}

// line returns the text of a line.
func (s *scanner) line(number int) string {
	n, begins := 1, 0
	for i, c := range s.text {
		if isBreak(c) && !(c == '\r' && i+1 < len(s.text) && s.text[i+1] == '\n') {
			if n == number {
				return strings.TrimRight(string(s.text[begins:i]), "\r")
			}
			n, begins = n+1, i+1
		}
	}
	if n == number {
		return string(s.text[begins:])
	}
	return ""
}

// indentation returns the column of a line's first character that is not a space.
func (s *scanner) indentation(number int) int {
	line := s.line(number)
	return len(line) - len(strings.TrimLeft(line, " ")) + 1
}

// unexpectedCharacter reports a character that cannot begin a token.
func (s *scanner) unexpectedCharacter(c rune) {
	switch c {
	case '\t':
		s.fail(s.mark, "use spaces", "there is a tab, which YAML does not allow for indentation or as a separator")
	case '@', '`', '%':
		s.fail(s.mark, "put the text in quotes", fmt.Sprintf("a text cannot begin with %c", c))
	default:
		s.fail(s.mark, "put the text in quotes", fmt.Sprintf("nothing can begin with %s here", quoteRune(c)))
	}
}

// missingColon reports a line between keys that is not a key.
func (s *scanner) missingColon(c candidate) {
	text := strings.TrimSpace(s.line(c.mark.Line))
	if s.unclosedQuote(s.mark) {
		return
	}
	hint := "write KEY: VALUE"
	if name, rest, ok := strings.Cut(text, ":"); ok && rest != "" && !strings.ContainsAny(name, " \"'") {
		hint = "write a space after the colon: " + name + ": " + rest
	}
	s.fail(s.mark, hint, fmt.Sprintf("line %d has no key with a colon: %s", c.mark.Line, short(text)))
}

func short(text string) string {
	const longest = 40
	if r := []rune(text); len(r) > longest {
		return string(r[:longest-3]) + "..."
	}
	return text
}

// unclosedQuote reports a quoted scalar that ends several lines below its beginning, directly
// before a mistake. The closing quote is probably missing. It returns false when there is
// no such scalar.
func (s *scanner) unclosedQuote(at Mark) bool {
	for _, last := range []token{s.last, s.before} {
		if last.quote != 0 && last.mark.Line < last.end.Line && last.end.Line >= at.Line-1 {
			s.fail(at, "", fmt.Sprintf("the quote %c of line %d is closed only in line %d", last.quote, last.mark.Line, last.end.Line))
			return true
		}
	}
	return false
}

// unexpectedColon reports a colon inside of a value.
func (s *scanner) unexpectedColon() {
	last := s.last
	switch {
	case s.unclosedQuote(s.mark):
	case last.quote == 0 && last.mark.Line > 0 && last.mark.Line < s.mark.Line && last.end.Line == s.mark.Line:
		here, above := s.indentation(s.mark.Line), s.indentation(last.mark.Line)
		s.fail(s.mark, fmt.Sprintf("the text that begins in line %d continues until here", last.mark.Line), fmt.Sprintf("is indented by %s, but its siblings by %d", spaces(here), above-1))
	default:
		s.fail(s.mark, "put the text in quotes, or begin a new line", "there is a second colon with a space after it")
	}
}

// missingValue reports a missing value.
func (s *scanner) missingValue(t *token) {
	switch {
	case t.kind == closeList || t.kind == closeMap:
		if len(s.open) > 0 {
			s.fail(t.mark, "", fmt.Sprintf("the bracket %s of line %d is closed by %s", s.open[len(s.open)-1].String(), s.open[len(s.open)-1].mark.Line, t.String()))
			return
		}
		s.fail(t.mark, "", "there is no open bracket for "+t.String())
	case s.depth > 0 && len(s.open) > 0:
		s.unclosedBracket(t)
	case t.kind == blockEnd || t.kind == item:
		s.fail(t.mark, "indent it as the lines beside it", "is indented by "+spaces(t.mark.Column)+", and does not belong to anything there")
	default:
		s.fail(t.mark, "", "expected a value, not "+t.String())
	}
}

func (s *scanner) unclosedBracket(t *token) {
	open := s.open[len(s.open)-1]
	if t.mark.Line == open.mark.Line && t.kind != streamEnd {
		s.fail(t.mark, "", fmt.Sprintf("expected a value in the bracket %s of this line, not %s", open.String(), t.String()))
		return
	}
	s.fail(t.mark, "", fmt.Sprintf("the bracket %s of line %d is not closed", open.String(), open.mark.Line))
}

// unexpectedInBrackets reports a token in brackets that is neither a comma nor the closing
// bracket.
func (s *scanner) unexpectedInBrackets(begins token, t *token) {
	wants := "]"
	if begins.kind == openMap {
		wants = "}"
	}
	switch {
	case t.kind == closeList || t.kind == closeMap:
		s.fail(t.mark, "", fmt.Sprintf("the bracket %s of line %d is closed by %s", begins.String(), begins.mark.Line, t.String()))
	case t.mark.Line > begins.mark.Line || t.kind == streamEnd:
		s.fail(t.mark, "or a comma is missing before this", fmt.Sprintf("the bracket %s of line %d is not closed", begins.String(), begins.mark.Line))
	default:
		s.fail(t.mark, "", fmt.Sprintf("a comma or %s is missing before this", wants))
	}
}

// unexpectedInBlock reports a token that neither continues nor ends a list or a mapping.
func (s *scanner) unexpectedInBlock(begins token, t *token) {
	switch {
	case s.unclosedQuote(t.mark):
	case t.kind == closeList || t.kind == closeMap:
		s.fail(t.mark, "", "there is no open bracket for "+t.String())
	case t.kind == comma:
		s.fail(t.mark, "put the text in quotes", "a comma is not allowed here")
	case t.mark.Column != s.indentation(t.mark.Line):
		s.fail(t.mark, "put all of the text in quotes", "there is something else after the value")
	case begins.kind == listStart && t.mark.Column == begins.mark.Column:
		s.fail(t.mark, fmt.Sprintf("begin it with -, or indent it by %s to belong to the item above", spaces(begins.mark.Column+2)),
			fmt.Sprintf("is indented by %s, as the list of line %d, but is not an item of it", spaces(t.mark.Column), begins.mark.Line))
	case t.kind == item && t.mark.Column == begins.mark.Column:
		s.fail(t.mark, "indent it further than the key it belongs to", "is an item of a list among the keys of a mapping")
	default:
		siblings := begins.mark.Column
		if t.sibling > t.mark.Column {
			siblings = t.sibling
		}
		s.fail(t.mark, "", fmt.Sprintf("is indented by %s, but its siblings by %d", spaces(t.mark.Column), siblings-1))
	}
}

// unexpectedAfterEnd reports a token after the end of the document. begins is the beginning
// of the document.
func (s *scanner) unexpectedAfterEnd(begins Mark, t *token) {
	if t.mark.Column < begins.Column && t.mark.Column == s.indentation(t.mark.Line) {
		s.fail(t.mark, "", fmt.Sprintf("is indented by %s, but its siblings by %d", spaces(t.mark.Column), begins.Column-1))
		return
	}
	s.fail(t.mark, "", "nothing is allowed here: the value above is complete")
}

func (s *scanner) duplicateAnchor(at Mark, name string, first Mark) {
	s.fail(at, "give them two names", fmt.Sprintf("duplicate anchor &%s, first in line %d", name, first.Line))
}
