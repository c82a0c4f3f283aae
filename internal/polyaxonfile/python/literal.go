package python

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a literal.
const maxDepth = 50

var errNoLiteral = errors.New("is no Python literal")

// ErrUnwritable is a literal that Python reads and JSON cannot hold: bytes, a set, a
// complex number, an ellipsis, a whole number beyond 64 bits.
var ErrUnwritable = errors.New("is a Python literal that JSON cannot hold")

// Literal reads a text as Python's ast.literal_eval does: numbers (0x10, 1e3,
// 1_000, -2), texts in quotes, True, False, None, lists, tuples, mappings. It
// reports false for all other texts. The error is ErrUnwritable.
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
	// unwritable tells that the literal holds what JSON cannot.
	unwritable bool
}

// skipLines skips lines that are empty.
func (p *literal) skipLines() {
	for {
		line, rest, more := strings.Cut(p.rest, "\n")
		if line = strings.Trim(line, " \t\r\f"); !more || line != "" && line[0] != '#' {
			return
		}
		p.rest = rest
	}
}

// skip skips blanks and comments, and in brackets ends of lines too.
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

// sequence reads a value, or values with commas between them: a tuple.
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
		return nil, errNoLiteral
	}
	defer func() { p.depth-- }()
	p.skip(lines)
	if p.rest == "" {
		return nil, errNoLiteral
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
		return nil, errNoLiteral
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
	return nil, errNoLiteral
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
			return nil, false, errNoLiteral
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
			return nil, errNoLiteral
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
			return nil, errNoLiteral
		}
		comma = p.take(',', true)
	}
}

// set reads the rest of a set, after its first element.
func (p *literal) set(d *Dict) (any, error) {
	if len(d.keys) > 0 {
		return nil, errNoLiteral
	}
	p.unwritable = true
	for p.take(',', true) {
		if p.take('}', true) {
			return "", nil
		}
		if _, err := p.value(true); err != nil {
			return nil, err
		}
	}
	if !p.take('}', true) {
		return nil, errNoLiteral
	}
	return "", nil
}

func (p *literal) number() (any, error) {
	end := 0
	for end < len(p.rest) {
		c := p.rest[end]
		sign := (c == '+' || c == '-') && end > 0 && (p.rest[end-1] == 'e' || p.rest[end-1] == 'E') && !hexadecimal(p.rest)
		if !isNameByte(c) && c != '.' && !sign {
			break
		}
		end++
	}
	text := p.rest[:end]
	p.rest = p.rest[end:]
	if real, isComplex := strings.CutSuffix(strings.ToLower(text), "j"); isComplex && !hexadecimal(text) {
		p.unwritable = true
		return ParseNumber(real)
	}
	value, err := ParseNumber(text)
	if errors.Is(err, strconv.ErrRange) {
		p.unwritable = true
		return 0, nil
	}
	if p.skip(false); err == nil && p.rest != "" && (p.rest[0] == '+' || p.rest[0] == '-') {
		return p.imaginary()
	}
	return value, err
}

// imaginary reads the second half of a complex number: +2j.
func (p *literal) imaginary() (any, error) {
	p.rest = p.rest[1:]
	p.skip(false)
	end := 0
	for end < len(p.rest) && (isNameByte(p.rest[end]) || p.rest[end] == '.') {
		end++
	}
	text := strings.ToLower(p.rest[:end])
	p.rest, p.unwritable = p.rest[end:], true
	if !strings.HasSuffix(text, "j") {
		return nil, errNoLiteral
	}
	return ParseNumber(strings.TrimSuffix(text, "j"))
}

func hexadecimal(text string) bool { return len(text) > 1 && (text[1] == 'x' || text[1] == 'X') }

// ParseNumber reads a number as Python's source has it, without a sign: an int or
// a float64.
func ParseNumber(text string) (any, error) {
	if strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") || strings.Contains(text, "__") || strings.ContainsAny(text, "pP") {
		return nil, errNoLiteral
	}
	if strings.Contains(text, "_.") || strings.Contains(text, "._") {
		return nil, errNoLiteral
	}
	plain := strings.ReplaceAll(text, "_", "")
	if len(plain) > 1 && plain[0] == '0' && strings.ContainsRune("xXoObB", rune(plain[1])) {
		i, err := strconv.ParseInt(plain, 0, 64)
		return int(i), err
	}
	if strings.Trim(plain, "0123456789") == "" {
		if len(plain) > 1 && plain[0] == '0' && strings.Trim(plain, "0") != "" {
			return nil, errNoLiteral // 007
		}
		i, err := strconv.ParseInt(plain, 10, 64)
		return int(i), err
	}
	if strings.Trim(plain, "0123456789.eE+-") != "" {
		return nil, errNoLiteral
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, errNoLiteral
	}
	return f, nil
}

// texts reads a text in quotes, and those that follow it: they are one.
func (p *literal) texts(lines bool) (any, error) {
	var b strings.Builder
	for first := true; ; first = false {
		p.skip(lines)
		end := 0
		for end < len(p.rest) && isNameByte(p.rest[end]) {
			end++
		}
		if end >= len(p.rest) || p.rest[end] != '"' && p.rest[end] != '\'' {
			if first {
				return nil, errNoLiteral
			}
			return b.String(), nil
		}
		prefix := strings.ToLower(p.rest[:end])
		switch prefix {
		case "", "r", "u":
		case "b", "br", "rb":
			p.unwritable = true
		default:
			return nil, errNoLiteral
		}
		text, rest, ok := quoted(p.rest[end:])
		if !ok {
			return nil, errNoLiteral
		}
		p.rest = rest
		if !strings.Contains(prefix, "r") {
			if text, ok = Unescape(text); !ok {
				return nil, errNoLiteral
			}
		}
		b.WriteString(text)
	}
}

// quoted splits a text in quotes from what follows it.
func quoted(rest string) (text, after string, ok bool) {
	mark := rest[:1]
	long := strings.HasPrefix(rest, mark+mark+mark)
	if long {
		mark = rest[:3]
	}
	for i := len(mark); i < len(rest); i++ {
		switch {
		case rest[i] == '\\':
			i++
		case strings.HasPrefix(rest[i:], mark):
			return rest[len(mark):i], rest[i+len(mark):], true
		case rest[i] == '\n' && !long:
			return "", "", false
		}
	}
	return "", "", false
}

// Unescape reads the escapes of a Python text. It reports false for one that
// Python refuses.
func Unescape(text string) (string, bool) {
	if !strings.Contains(text, `\`) {
		return text, true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i >= len(text) {
			return "", false
		}
		digits := 0
		switch c := text[i]; c {
		case '\n':
		case '\\', '\'', '"':
			b.WriteByte(c)
		case 'a', 'b', 'f', 'n', 'r', 't', 'v':
			b.WriteByte(map[byte]byte{'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11}[c])
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		case '0', '1', '2', '3', '4', '5', '6', '7':
			end := i
			for end < len(text) && end < i+3 && text[end] >= '0' && text[end] <= '7' {
				end++
			}
			n, err := strconv.ParseUint(text[i:end], 8, 32)
			if err != nil {
				return "", false
			}
			b.WriteRune(rune(n))
			i = end - 1
		case 'N':
			return "", false // names of characters
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
		if digits > 0 {
			if i+digits >= len(text) {
				return "", false
			}
			n, err := strconv.ParseUint(text[i+1:i+1+digits], 16, 32)
			if err != nil || n > utf8.MaxRune {
				return "", false
			}
			b.WriteRune(rune(n))
			i += digits
		}
	}
	return b.String(), true
}
