package python

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// texts parses a quoted string and the strings that directly follow it, and joins them.
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
				return nil, errNotLiteral
			}
			return b.String(), nil
		}
		prefix := strings.ToLower(p.rest[:end])
		switch prefix {
		case "", "r", "u":
		case "b", "br", "rb":
			p.unwritable = true
		default:
			return nil, errNotLiteral
		}
		text, rest, ok := quoted(p.rest[end:])
		if !ok {
			return nil, errNotLiteral
		}
		p.rest = rest
		if !strings.Contains(prefix, "r") {
			if text, ok = Unescape(text); !ok {
				return nil, errNotLiteral
			}
		}
		b.WriteString(text)
	}
}

// quoted splits a quoted string from the text after it.
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

// Unescape replaces the escape sequences of a Python string. It returns false for a
// string that Python refuses, and for the names of characters in \N{}.
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
			return "", false // names of characters are not supported
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
