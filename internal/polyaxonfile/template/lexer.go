package template

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

type kind int

const (
	endOfFile kind = iota
	data
	begin    // {{
	end      // }}
	tagBegin // {%
	tagEnd   // %}
	name
	literal // a string or a number, in value
	operator
)

type token struct {
	kind  kind
	text  string
	value any
	line  int
}

// The tokens of an expression.
var (
	nameWord   = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*`)
	numberWord = lazyregexp.New(`^(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[0-9](?:_?[0-9])*(?:\.[0-9](?:_?[0-9])*)?(?:[eE][-+]?[0-9](?:_?[0-9])*)?)`)
	indexWord  = lazyregexp.New(`^[0-9]+`)
	signWord   = lazyregexp.New(`^(?:==|!=|<=|>=|//|\*\*|[-+*/%~<>=()\[\]{}.,:;|])`)
	rawEnd     = lazyregexp.New(`(?s)\{%([-+]?)\s*endraw\s*([-+]?)%\}`)
	rawBegin   = lazyregexp.New(`^\{%[-+]?\s*raw\s*(-?)%\}`)
)

// lex splits a template into tokens. As in Jinja, every line break becomes \n, and a
// final one is dropped.
func lex(text string) ([]token, error) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	text = strings.TrimSuffix(text, "\n")
	l := &lexer{rest: text, line: 1}
	for l.rest != "" {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	return append(l.tokens, token{kind: endOfFile, line: l.line}), nil
}

type lexer struct {
	rest   string
	line   int
	tokens []token
	// strip means that the white space that follows is removed, as after -}}.
	strip bool
}

func (l *lexer) add(k kind, text string, value any) {
	l.tokens = append(l.tokens, token{k, text, value, l.line})
}

func (l *lexer) advance(n int) {
	l.line += strings.Count(l.rest[:n], "\n")
	l.rest = l.rest[n:]
}

// fail returns a syntax error at the lexer's line.
func (l *lexer) fail(format string, args ...any) error {
	return syntaxErrorf(l.line, format, args...)
}

// next reads text up to a tag, and then the tag.
func (l *lexer) next() error {
	start := -1
	for i := 0; i+1 < len(l.rest); i++ {
		if l.rest[i] == '{' && strings.IndexByte("{%#", l.rest[i+1]) >= 0 {
			start = i
			break
		}
	}
	plain := l.rest
	if start >= 0 {
		plain = l.rest[:start]
	}
	shown := plain
	if l.strip {
		shown = strings.TrimLeft(shown, " \t\n\v\f")
	}
	l.strip = false
	if start >= 0 && strings.HasPrefix(l.rest[start+2:], "-") {
		shown = strings.TrimRight(shown, " \t\n\v\f")
	}
	if shown != "" {
		l.add(data, shown, nil)
	}
	l.advance(len(plain))
	if start < 0 {
		return nil
	}
	if m := rawBegin.FindStringSubmatch(l.rest); m != nil {
		return l.raw(m)
	}
	opening := l.rest[:2]
	switch opening {
	case "{#":
		at := strings.Index(l.rest[2:], "#}") + 2
		if at < 2 {
			return l.fail("Missing end of comment tag")
		}
		l.strip = strings.HasSuffix(l.rest[2:at], "-")
		l.advance(at + 2)
		return nil
	case "{%":
		l.add(tagBegin, opening, nil)
		l.advance(2)
		l.sign()
		return l.words("%}", tagEnd)
	}
	l.add(begin, opening, nil)
	l.advance(2)
	l.sign()
	return l.words("}}", end)
}

// sign skips the - of {%- or the + of {%+.
func (l *lexer) sign() {
	if strings.HasPrefix(l.rest, "-") || strings.HasPrefix(l.rest, "+") {
		l.advance(1)
	}
}

func (l *lexer) raw(m []string) error {
	l.advance(len(m[0]))
	at := rawEnd.FindStringSubmatchIndex(l.rest)
	if at == nil {
		return l.fail("Missing end of raw directive")
	}
	text := l.rest[:at[0]]
	if m[1] == "-" {
		text = strings.TrimLeft(text, " \t\n\v\f")
	}
	if l.rest[at[2]:at[3]] == "-" {
		text = strings.TrimRight(text, " \t\n\v\f")
	}
	if text != "" {
		l.add(data, text, nil)
	}
	l.strip = l.rest[at[4]:at[5]] == "-"
	l.advance(at[1])
	return nil
}

// words reads the tokens of an expression up to its closing delimiter.
func (l *lexer) words(closing string, ending kind) error {
	var brackets []byte
	for {
		trimmed := strings.TrimLeft(l.rest, " \t\n\v\f")
		l.advance(len(l.rest) - len(trimmed))
		switch {
		case l.rest == "":
			return nil // the parser reports what is missing
		case len(brackets) == 0 && (strings.HasPrefix(l.rest, closing) || strings.HasPrefix(l.rest, "-"+closing) || ending == tagEnd && strings.HasPrefix(l.rest, "+"+closing)):
			l.strip = l.rest[0] == '-'
			n := strings.Index(l.rest, closing) + len(closing)
			l.add(ending, closing, nil)
			l.advance(n)
			return nil
		}
		if l.rest[0] == '"' || l.rest[0] == '\'' {
			if err := l.quoted(); err != nil {
				return err
			}
			continue
		}
		if m := nameWord.FindString(l.rest); m != "" {
			l.add(name, m, nil)
			l.advance(len(m))
			continue
		}
		word := numberWord
		if n := len(l.tokens); l.tokens[n-1].text == "." {
			word = indexWord // in a.0.1, 0 is an index and not the start of 0.1
		}
		if m := word.FindString(l.rest); m != "" {
			value, err := python.ParseNumber(m)
			if err != nil {
				return l.fail("the number %s is out of range", m)
			}
			l.add(literal, m, value)
			l.advance(len(m))
			continue
		}
		m := signWord.FindString(l.rest)
		if m == "" {
			return l.fail("unexpected char %s at %d", python.Repr(string([]rune(l.rest)[:1])), len(l.tokens))
		}
		switch m {
		case "(", "[", "{":
			brackets = append(brackets, map[string]byte{"(": ')', "[": ']', "{": '}'}[m])
			if len(brackets) > maxDepth {
				return l.fail("the expression is nested too deeply")
			}
		case ")", "]", "}":
			if len(brackets) == 0 {
				return l.fail("unexpected '%s'", m)
			}
			if want := brackets[len(brackets)-1]; want != m[0] {
				return l.fail("unexpected '%s', expected '%c'", m, want)
			}
			brackets = brackets[:len(brackets)-1]
		}
		l.add(operator, m, nil)
		l.advance(len(m))
	}
}

func (l *lexer) quoted() error {
	mark := l.rest[0]
	for i := 1; i < len(l.rest); i++ {
		switch l.rest[i] {
		case '\\':
			i++
		case mark:
			text, ok := python.Unescape(l.rest[1:i])
			if !ok {
				return l.fail("invalid escape in a text")
			}
			l.add(literal, l.rest[:i+1], text)
			l.advance(i + 1)
			return nil
		}
	}
	return l.fail("unexpected char %s", python.Repr(string(mark)))
}
