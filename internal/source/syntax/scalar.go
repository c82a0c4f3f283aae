package syntax

import (
	"fmt"
	"strings"
)

// name scans an anchor or an alias.
func (s *scanner) name(sign rune) {
	s.remember()
	s.mayKey = false
	k, what := anchor, "anchor &"
	if sign == '*' {
		k, what = alias, "alias *"
	}
	t := s.add(k, s.mark)
	s.skip(1)
	n := s.word()
	t.text = string(s.text[s.at : s.at+n])
	s.skip(n)
	if c := s.peek(0); n == 0 || !isBlank(c) && !strings.ContainsRune("?:,]}%@`", c) {
		s.fail(s.mark, "put the text in quotes, unless it is meant for YAML's", "the name of the "+what+" has letters, digits, - and _ only, not "+quoteRune(c))
	}
}

// tag scans !tag, !!tag, !handle!tag and !<uri>.
func (s *scanner) tag() {
	s.remember()
	s.mayKey = false
	t := s.add(tag, s.mark)
	begins := s.at
	uri := func() {
		const signs = "-;/?:@&=+$,_.!~*'()[]%"
		n := 0
		for c := s.peek(n); c != end && (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune(signs, c)); c = s.peek(n) {
			n++
		}
		s.skip(n)
		if n == 0 {
			s.fail(s.mark, "put the text in quotes, unless it is meant for a tag", "a tag has no name here, but "+quoteRune(s.peek(0)))
		}
	}
	switch after := s.peek(1); {
	case after == '<':
		s.skip(2)
		if uri(); s.peek(0) == '>' {
			s.skip(1)
		} else {
			s.fail(s.mark, "", "the tag !< has no >")
		}
	case isBlank(after) && after != '\t':
		s.skip(1)
	default:
		handle := false
		for n := 1; !handle && (!isBlank(s.peek(n)) || s.peek(n) == '\t'); n++ {
			handle = s.peek(n) == '!'
		}
		s.skip(1)
		if handle {
			s.skip(s.word())
			if s.peek(0) != '!' {
				s.fail(s.mark, "put the text in quotes, unless it is meant for a tag", "the handle of a tag ends with !, not "+quoteRune(s.peek(0)))
				return
			}
			s.skip(1)
			t.text = string(s.text[begins:s.at])
		}
		uri()
	}
	if c := s.peek(0); !isBlank(c) || c == '\t' {
		s.fail(s.mark, "put the text in quotes, unless it is meant for a tag", "a tag must be followed by a space, not "+quoteRune(c))
	}
}

// block scans a block scalar, which begins with | or >.
func (s *scanner) block() {
	s.mayKey = true
	s.drop()
	t := s.add(scalar, s.mark)
	sign := string(s.peek(0))
	s.skip(1)
	step := 0
	for range 2 {
		switch c := s.peek(0); {
		case c == '+' || c == '-':
			s.skip(1)
			if n := s.peek(0); step == 0 && (n == '+' || n == '-') {
				s.fail(s.mark, "", "only one + or - is allowed after "+sign)
			}
		case c >= '1' && c <= '9' && step == 0:
			step = int(c - '0')
			s.skip(1)
		case c == '0' && step == 0:
			s.fail(s.mark, "", "the indentation after "+sign+" is a number from 1 to 9, not 0")
		}
	}
	s.skipWhile(" ")
	if s.peek(0) == '#' {
		s.skipLine()
	}
	if c := s.peek(0); c != end && !isBreak(c) {
		s.fail(s.mark, "begin the text in the next line", "the line must end after "+sign+", not continue with "+quoteRune(c))
		return
	}
	s.skipBreak()
	column := max(s.column+1, 2) // column of the text
	if s.column == 0 {
		column = 2
	}
	toText := func() {
		for {
			for s.mark.Column < column && s.peek(0) == ' ' {
				s.skip(1)
			}
			if !s.skipBreak() {
				return
			}
		}
	}
	if step > 0 {
		column += step - 1
		toText()
	} else {
		deepest := 0
		for s.peek(0) == ' ' || isBreak(s.peek(0)) {
			if !s.skipBreak() {
				s.skip(1)
				deepest = max(deepest, s.mark.Column)
			}
		}
		column = max(column, deepest)
	}
	for s.mark.Column == column && s.peek(0) != end {
		s.skipLine()
		s.skipBreak()
		toText()
	}
	t.end = s.mark
	s.before, s.last = s.last, *t
}

// escapes are the characters that may follow a backslash.
const escapes = "0abt\tnvfre \"\\/N_LP"

// quoted scans a quoted scalar.
func (s *scanner) quoted(quote rune) {
	s.remember()
	s.mayKey = false
	index := len(s.tokens)
	begins := s.mark
	s.add(scalar, begins).quote = quote
	s.skip(1)
	for s.mistake == nil {
		switch c := s.peek(0); {
		case s.at >= len(s.text):
			s.fail(s.mark, "", fmt.Sprintf("the quote %c of line %d is not closed", quote, begins.Line))
		case c == quote && quote == '\'' && s.peek(1) == quote:
			s.skip(2)
		case c == quote:
			s.skip(1)
			s.tokens[index].end = s.mark
			s.before, s.last = s.last, s.tokens[index]
			return
		case c == '\\' && quote == '"':
			s.escape()
		case isBreak(c):
			s.skipBreak()
			if s.separatesAny() {
				s.fail(s.mark, "", fmt.Sprintf("the quote %c of line %d is not closed before the end of the document", quote, begins.Line))
			}
		default:
			s.skip(1)
		}
	}
}

// escape scans an escape sequence in double quotes.
func (s *scanner) escape() {
	s.skip(1)
	c := s.peek(0)
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case digits > 0:
		s.skip(1)
		for n := range digits {
			if d := s.peek(n); !strings.ContainsRune("0123456789abcdefABCDEF", d) || d == end {
				s.fail(s.mark, `write \\ for a backslash, or put the text in single quotes`, fmt.Sprintf(`\%c is followed by %d hexadecimal digits, not by %s`, c, digits, quoteRune(d)))
				return
			}
		}
		s.skip(digits)
	case isBreak(c) && c != end:
		s.skipBreak()
	case c != end && strings.ContainsRune(escapes, c):
		s.skip(1)
	default:
		s.fail(s.mark, `write \\ for a backslash, or put the text in single quotes`, fmt.Sprintf(`unknown escape sequence \%c in double quotes`, c))
	}
}

// plain scans a scalar without quotes.
func (s *scanner) plain() {
	s.remember()
	s.mayKey = false
	t := s.add(scalar, s.mark)
	column := s.column + 1
	for s.peek(0) != '#' {
		n := 0
		for !s.endsPlain(n) {
			n++
		}
		if n == 0 {
			break
		}
		s.mayKey = false
		s.skip(n)
		t.end = s.mark
		spaces := s.skipWhile(" ")
		if isBreak(s.peek(0)) && !s.plainBreaks() || spaces == 0 && t.end.Line == s.mark.Line ||
			s.peek(0) == '#' || s.depth == 0 && s.mark.Column < column {
			break
		}
	}
	s.before, s.last = s.last, *t
}

func (s *scanner) endsPlain(n int) bool {
	c := s.peek(n)
	switch {
	case isBlank(c):
		return c != end || s.at+n >= len(s.text)
	case c == ':':
		return isBlank(s.peek(n+1)) || s.depth != 0 && strings.ContainsRune(",[]{}", s.peek(n+1))
	}
	return s.depth != 0 && strings.ContainsRune(",?[]{}", c)
}

// plainBreaks skips the line breaks inside a scalar without quotes. It returns false when
// the document ends.
func (s *scanner) plainBreaks() bool {
	for {
		if s.skipBreak() {
			s.mayKey = true
			if s.separatesAny() {
				return false
			}
		} else if s.skipWhile(" ") == 0 {
			return true
		}
	}
}
