package python

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// set parses the rest of a set, after its first element.
func (p *literal) set(d *Dict) (any, error) {
	if len(d.keys) > 0 {
		return nil, errNotLiteral
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
		return nil, errNotLiteral
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

// imaginary parses the imaginary part of a complex number: +2j.
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
		return nil, errNotLiteral
	}
	return ParseNumber(strings.TrimSuffix(text, "j"))
}

func hexadecimal(text string) bool { return len(text) > 1 && (text[1] == 'x' || text[1] == 'X') }

// ParseNumber parses an unsigned number of Python's source and returns an int or a
// float64. The error for an integer beyond 64 bits wraps strconv.ErrRange.
func ParseNumber(text string) (any, error) {
	if strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") || strings.Contains(text, "__") || strings.ContainsAny(text, "pP") {
		return nil, errNotLiteral
	}
	if strings.Contains(text, "_.") || strings.Contains(text, "._") {
		return nil, errNotLiteral
	}
	plain := strings.ReplaceAll(text, "_", "")
	if len(plain) > 1 && plain[0] == '0' && strings.ContainsRune("xXoObB", rune(plain[1])) {
		i, err := strconv.ParseInt(plain, 0, 64)
		return int(i), err
	}
	if strings.Trim(plain, "0123456789") == "" {
		if len(plain) > 1 && plain[0] == '0' && strings.Trim(plain, "0") != "" {
			return nil, errNotLiteral // Python does not allow leading zeros, as in 007
		}
		i, err := strconv.ParseInt(plain, 10, 64)
		return int(i), err
	}
	if strings.Trim(plain, "0123456789.eE+-") != "" {
		return nil, errNotLiteral
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, errNotLiteral
	}
	return f, nil
}
