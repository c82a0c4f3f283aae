package python

import (
	"errors"
	"strings"
)

// maxDepth is the maximum nesting of a literal.
const maxDepth = 50

var errNotLiteral = errors.New("is not a Python literal")

// ErrUnwritable reports a literal that Python reads and that JSON cannot represent:
// bytes, a set, a complex number, an ellipsis, or an integer beyond 64 bits.
var ErrUnwritable = errors.New("is a Python literal that JSON cannot hold")

// Literal parses a text as Python's ast.literal_eval does: numbers (0x10, 1e3, 1_000,
// -2), quoted strings, True, False, None, lists, tuples and mappings. It returns false
// for any other text. The only error that it returns is ErrUnwritable.
func Literal(text string) (any, bool, error) {
	p := &literal{rest: strings.TrimLeft(text, " \t")}
	p.skipLines()
	if strings.HasPrefix(p.rest, " ") || strings.HasPrefix(p.rest, "\t") {
		return nil, false, nil // an unexpected indent
	}
	value, err := p.sequence()
	if err != nil {
		return nil, false, nil //nolint:nilerr // it is another text
	}
	p.skip(false)
	p.skipLines()
	p.skip(false)
	switch {
	case p.rest != "":
		return nil, false, nil
	case p.unwritable:
		return nil, false, ErrUnwritable
	}
	return value, true, nil
}

type literal struct {
	rest  string
	depth int
	// unwritable means that the literal contains a value that JSON cannot represent.
	unwritable bool
}

// skipLines skips empty lines and comment lines.
func (p *literal) skipLines() {
	for {
		line, rest, more := strings.Cut(p.rest, "\n")
		if line = strings.Trim(line, " \t\r\f"); !more || line != "" && line[0] != '#' {
			return
		}
		p.rest = rest
	}
}

// skip skips blanks and comments. If lines is true, which it is inside brackets, it also
// skips line breaks.
func (p *literal) skip(lines bool) {
	for p.rest != "" {
		switch c := p.rest[0]; {
		case c == ' ' || c == '\t' || c == '\f' || lines && (c == '\n' || c == '\r'):
			p.rest = p.rest[1:]
		case c == '#':
			if end := strings.IndexByte(p.rest, '\n'); end >= 0 {
				p.rest = p.rest[end:]
			} else {
				p.rest = ""
			}
		case strings.HasPrefix(p.rest, "\\\n"):
			p.rest = p.rest[2:]
		default:
			return
		}
	}
}

func (p *literal) take(c byte, lines bool) bool {
	p.skip(lines)
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// sequence parses a value, or comma-separated values, which form a tuple.
func (p *literal) sequence() (any, error) {
	value, err := p.value(false)
	if err != nil {
		return nil, err
	}
	if !p.take(',', false) {
		return value, nil
	}
	tuple := Tuple{value}
	for {
		p.skip(false)
		if p.rest == "" || p.rest[0] == '\n' {
			return tuple, nil
		}
		if value, err = p.value(false); err != nil {
			return nil, err
		}
		tuple = append(tuple, value)
		if !p.take(',', false) {
			return tuple, nil
		}
	}
}

func (p *literal) value(lines bool) (any, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errNotLiteral
	}
	defer func() { p.depth-- }()
	p.skip(lines)
	if p.rest == "" {
		return nil, errNotLiteral
	}
	switch c := p.rest[0]; {
	case c == '+' || c == '-':
		p.rest = p.rest[1:]
		value, err := p.value(lines)
		switch x := value.(type) {
		case int:
			if c == '-' {
				return -x, err
			}
			return x, err
		case float64:
			if c == '-' {
				return -x, err
			}
			return x, err
		}
		return nil, errNotLiteral
	case strings.HasPrefix(p.rest, "..."):
		p.rest, p.unwritable = p.rest[3:], true
		return "...", nil
	case strings.HasPrefix(p.rest, "set()"):
		p.rest, p.unwritable = p.rest[5:], true
		return "set()", nil
	case c == '[':
		p.rest = p.rest[1:]
		list, _, err := p.list(']')
		return list, err
	case c == '(':
		p.rest = p.rest[1:]
		list, comma, err := p.list(')')
		if err == nil && len(list) == 1 && !comma {
			return list[0], nil
		}
		return Tuple(list), err
	case c == '{':
		p.rest = p.rest[1:]
		return p.mapping()
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	case c == '"' || c == '\'':
		return p.texts(lines)
	}
	end := 0
	for end < len(p.rest) && isNameByte(p.rest[end]) {
		end++
	}
	name := p.rest[:end]
	switch name {
	case "True", "False", "None":
		p.rest = p.rest[end:]
		return map[string]any{"True": true, "False": false, "None": nil}[name], nil
	}
	if end < len(p.rest) && (p.rest[end] == '"' || p.rest[end] == '\'') {
		return p.texts(lines)
	}
	return nil, errNotLiteral
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *literal) list(closing byte) (list []any, comma bool, err error) {
	list = []any{}
	for {
		if p.take(closing, true) {
			return list, comma, nil
		}
		if len(list) > 0 && !comma {
			return nil, false, errNotLiteral
		}
		value, err := p.value(true)
		if err != nil {
			return nil, false, err
		}
		list = append(list, value)
		comma = p.take(',', true)
	}
}

func (p *literal) mapping() (any, error) {
	d := &Dict{}
	for comma := true; ; {
		if p.take('}', true) {
			return d, nil
		}
		if !comma {
			return nil, errNotLiteral
		}
		key, err := p.value(true)
		if err != nil {
			return nil, err
		}
		if !p.take(':', true) {
			return p.set(d)
		}
		value, err := p.value(true)
		if err != nil || !d.Set(key, value) {
			return nil, errNotLiteral
		}
		comma = p.take(',', true)
	}
}
