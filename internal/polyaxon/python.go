package polyaxon

import (
	"strconv"
	"strings"
)

// pythonDepth is the maximum nesting of a literal.
const pythonDepth = 64

// parsePython parses a Python literal as repr writes it: a dict, a list, a tuple, a
// string, a number or a name. 1.11.3 describes the mistakes of an operation in this form.
// A dict becomes a map whose keys are text.
func parsePython(text string) (any, bool) {
	r := &pythonReader{text: text}
	value, ok := r.value(0)
	r.blank()
	return value, ok && r.at == len(text)
}

// pythonReader parses a literal. Its methods report false for a text that is not one.
type pythonReader struct {
	text string
	at   int
}

// blank skips white space.
func (r *pythonReader) blank() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// take skips white space and reports whether the next byte is c. If so, it consumes c.
func (r *pythonReader) take(c byte) bool {
	r.blank()
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

func (r *pythonReader) value(depth int) (any, bool) {
	r.blank()
	if r.at == len(r.text) || depth > pythonDepth {
		return nil, false
	}
	switch c := r.text[r.at]; c {
	case '{':
		r.at++
		return r.dict(depth)
	case '[':
		r.at++
		return r.list(']', depth)
	case '(':
		r.at++
		return r.list(')', depth)
	case '\'', '"':
		r.at++
		return r.quoted(c)
	}
	return r.bare()
}

func (r *pythonReader) dict(depth int) (any, bool) {
	dict := map[string]any{}
	for !r.take('}') {
		if len(dict) > 0 && !r.take(',') {
			return nil, false
		}
		key, ok := r.value(depth + 1)
		if !ok || !r.take(':') {
			return nil, false
		}
		value, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		dict[plain(key)] = value
	}
	return dict, true
}

func (r *pythonReader) list(end byte, depth int) (any, bool) {
	list := []any{}
	for !r.take(end) {
		if len(list) > 0 && !r.take(',') {
			return nil, false
		}
		if len(list) > 0 && r.take(end) { // the trailing comma of ('a',)
			break
		}
		value, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, value)
	}
	return list, true
}

// quoted reads a string up to its closing quote, with the escapes that repr writes.
func (r *pythonReader) quoted(quote byte) (any, bool) {
	var b strings.Builder
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == quote:
			return b.String(), true
		case c != '\\' || r.at == len(r.text):
			b.WriteByte(c)
		default:
			r.escape(&b)
		}
	}
	return nil, false
}

func (r *pythonReader) escape(b *strings.Builder) {
	c := r.text[r.at]
	r.at++
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch c {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case '\\', '\'', '"':
		b.WriteByte(c)
	default:
		if digits > 0 && r.at+digits <= len(r.text) {
			if n, err := strconv.ParseInt(r.text[r.at:r.at+digits], 16, 32); err == nil {
				r.at += digits
				b.WriteRune(rune(n))
				return
			}
		}
		b.WriteByte('\\')
		b.WriteByte(c)
	}
}

// bare reads a number or a name, as text.
func (r *pythonReader) bare() (any, bool) {
	start := r.at
	for r.at < len(r.text) && strings.IndexByte("{}[](),:'\" \t\r\n", r.text[r.at]) < 0 {
		r.at++
	}
	return r.text[start:r.at], r.at > start
}
