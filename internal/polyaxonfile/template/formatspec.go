package template

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// formatSpec is a format specification, which follows the colon in {x:>8}. See Python's "Format Specification
// Mini-Language".
type formatSpec struct {
	// fill and align pad the text to width characters. align is one of <>^=, or 0 for what the value's type has.
	fill  string
	align rune
	width int
	// sign is "+" or " " if a number that is not negative gets it.
	sign string
	// prefixed reports whether 0x, 0o or 0b stands before the digits.
	prefixed bool
	// thousands separates thousands: a comma, an underscore, or "".
	thousands string
	// precision begins with its point, or is "".
	precision string
	// verb is the type of the presentation, such as f, or "".
	verb string
}

// specified formats a value by a format specification.
func specified(value any, spec string) (string, error) {
	if spec == "" {
		return text(value), nil
	}
	s, err := parseSpec(spec)
	if err != nil {
		return "", err
	}
	switch x := value.(type) {
	case string:
		return s.text(x)
	case bool:
		if value = 0; x {
			value = 1
		}
	}
	number, ok := python.Number(value)
	if !ok {
		return "", errorf("TypeError", "unsupported format string passed to %s.__format__", typeName(value))
	}
	return s.number(value, number)
}

// parseSpec reads a specification. A width or a precision that takes too much memory is an error.
func parseSpec(text string) (formatSpec, error) {
	s := formatSpec{fill: " "}
	const aligns = "<>^="
	runes := []rune(text)
	filled := len(runes) > 1 && strings.ContainsRune(aligns, runes[1])
	switch {
	case filled:
		s.fill, s.align, runes = string(runes[0]), runes[1], runes[2:]
	case len(runes) > 0 && strings.ContainsRune(aligns, runes[0]):
		s.align, runes = runes[0], runes[1:]
	}
	rest := string(runes)
	if rest != "" && strings.IndexByte("+- ", rest[0]) >= 0 {
		s.sign, rest = strings.Trim(rest[:1], "-"), rest[1:]
	}
	rest, s.prefixed = strings.CutPrefix(rest, "#")
	if strings.HasPrefix(rest, "0") && !filled {
		s.fill = "0"
	}
	const digits = "0123456789"
	after := strings.TrimLeft(rest, digits)
	s.width = atoi(strings.TrimSuffix(rest, after))
	if after != "" && strings.IndexByte(",_", after[0]) >= 0 {
		s.thousands, after = after[:1], after[1:]
	}
	s.verb = after
	if strings.HasPrefix(after, ".") {
		s.verb = strings.TrimLeft(after[1:], digits)
		s.precision = strings.TrimSuffix(after, s.verb)
	}
	if s.width > 10_000 || len(rest) > 20 || len(s.precision) > 4 {
		return s, errorf("OverflowError", "a width of %s is too large", text)
	}
	return s, nil
}

// text formats a text.
func (s formatSpec) text(value string) (string, error) {
	switch {
	case s.verb != "" && s.verb != "s":
		return "", s.unknown(value)
	case s.align == '=' || s.sign != "" || s.thousands != "" || s.prefixed:
		return "", errorf("ValueError", "a sign, #, a comma, _ and the alignment = are not allowed for a value of type 'str'")
	}
	body := []rune(value)
	if s.precision != "" {
		body = body[:min(len(body), atoi(s.precision[1:]))]
	}
	return s.pad("", string(body), '<'), nil
}

// number formats a value that is a number.
func (s formatSpec) number(value any, number float64) (string, error) {
	body, err := s.digits(value, number)
	if err != nil {
		return "", err
	}
	sign, align := s.sign, '>'
	if negative, ok := strings.CutPrefix(body, "-"); ok {
		sign, body = "-", negative
	}
	if s.prefixed && s.has("xXob") {
		sign += "0" + s.verb
	}
	if s.fill == "0" { // between the sign and the digits
		align = '='
	}
	if s.thousands != "" {
		least := 0
		if s.fill == "0" && s.align == 0 { // zeros are digits
			least = s.width - len(sign)
		}
		body = grouped(body, s.thousands, least)
	}
	return s.pad(sign, body, align), nil
}

// digits returns a number without padding and thousands.
func (s formatSpec) digits(value any, number float64) (string, error) {
	n, whole := value.(int)
	switch {
	case s.verb == "%":
		return fmt.Sprintf("%"+s.decimals()+"f%%", number*100), nil
	case s.has("eEfFgG"):
		return fmt.Sprintf("%"+s.decimals()+s.verb, number), nil
	case whole && s.precision != "":
		return "", errorf("ValueError", "Precision not allowed in integer format specifier")
	case s.thousands != "" && s.has("xXobcn"):
		return "", errorf("ValueError", "Cannot specify '%s' with '%s'.", s.thousands, s.verb)
	case whole && s.verb == "c":
		return string(rune(n)), nil
	case whole && s.has("dxXob"):
		return fmt.Sprintf("%"+s.verb, n), nil
	case s.verb != "" && s.verb != "n":
		return "", s.unknown(value)
	case s.precision != "":
		return general(number, max(1, atoi(s.precision[1:]))), nil
	}
	return text(value), nil
}

// unknown is the error for a presentation that a value does not have.
func (s formatSpec) unknown(value any) error {
	return errorf("ValueError", "Unknown format code '%s' for object of type '%s'", s.verb, typeName(value))
}

// has reports whether the verb is one of several.
func (s formatSpec) has(verbs string) bool {
	return len(s.verb) == 1 && strings.Contains(verbs, s.verb)
}

// decimals returns the precision, which is six digits if there is none.
func (s formatSpec) decimals() string {
	if s.precision == "" {
		return ".6"
	}
	return s.precision
}

// general returns a number with some significant digits, and at least one after the point: what Python does
// without a verb.
func general(number float64, digits int) string {
	scientific := strconv.FormatFloat(number, 'e', digits-1, 64)
	mantissa, exponent, finite := strings.Cut(scientific, "e")
	before, _ := strconv.Atoi(exponent)
	before++ // how many digits stand before the point
	switch {
	case !finite:
		return text(number)
	case before > -4 && before < digits:
		fixed := strings.TrimRight(strconv.FormatFloat(number, 'f', digits-before, 64), "0")
		if strings.HasSuffix(fixed, ".") {
			fixed += "0"
		}
		return fixed
	case strings.Contains(mantissa, "."):
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + "e" + exponent
}

// pad fills a text up to the width. align is the alignment of a specification without one.
func (s formatSpec) pad(sign, body string, align rune) string {
	missing := max(s.width-len([]rune(sign+body)), 0)
	if s.align != 0 {
		align = s.align
	}
	switch align {
	case '<':
		return sign + body + strings.Repeat(s.fill, missing)
	case '^':
		return strings.Repeat(s.fill, missing/2) + sign + body + strings.Repeat(s.fill, missing-missing/2)
	case '=':
		return sign + strings.Repeat(s.fill, missing) + body
	}
	return strings.Repeat(s.fill, missing) + sign + body
}

// atoi returns the number of some digits, or 0 for none. Too many give the largest number.
func atoi(digits string) int {
	n, _ := strconv.ParseUint(digits, 10, 31)
	return int(n)
}

// grouped inserts separators between thousands. Zeros before the number make it at least width characters long.
func grouped(number, separator string, width int) string {
	digits := strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		digits = len(number)
	}
	integer, rest := number[:digits], number[digits:]
	for digits > 0 && digits+(digits-1)/3+len(rest) < width {
		digits++
	}
	integer = strings.Repeat("0", digits-len(integer)) + integer
	var b strings.Builder
	for i := range integer {
		if i > 0 && (len(integer)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteByte(integer[i])
	}
	return b.String() + rest
}
