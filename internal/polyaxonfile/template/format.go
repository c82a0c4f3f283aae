package template

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// format implements Python's operator % on a string: %s, %d, %05.2f, %(name)s.
func format(pattern string, value any) (any, error) {
	args := []any{value}
	if tuple, ok := value.(python.Tuple); ok {
		args = tuple
	}
	_, get, mapped := python.Mapping(value)
	var out buffer
	used := 0
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			if err := out.add(pattern[i : i+1]); err != nil {
				return nil, err
			}
			continue
		}
		if i++; i >= len(pattern) {
			return nil, errorf("ValueError", "incomplete format")
		}
		if pattern[i] == '%' {
			if err := out.add("%"); err != nil {
				return nil, err
			}
			continue
		}
		var argument any
		if pattern[i] == '(' {
			closing := strings.IndexByte(pattern[i:], ')')
			if closing < 0 {
				return nil, errorf("ValueError", "incomplete format key")
			}
			if !mapped {
				return nil, errorf("TypeError", "format requires a mapping")
			}
			key := pattern[i+1 : i+closing]
			found, ok := get(key)
			if !ok {
				return nil, errorf("KeyError", "%s", key)
			}
			argument = found
			i += closing + 1
		} else {
			if used >= len(args) {
				return nil, errorf("TypeError", "not enough arguments for format string")
			}
			argument = args[used]
			used++
		}
		start := i
		for i < len(pattern) && strings.IndexByte("-+ #0123456789.", pattern[i]) >= 0 {
			i++
		}
		if i >= len(pattern) {
			return nil, errorf("ValueError", "incomplete format")
		}
		part, err := directive(pattern[start:i], pattern[i], argument)
		if err != nil {
			return nil, err
		}
		if err := out.add(part); err != nil {
			return nil, err
		}
	}
	if used < len(args) && !mapped {
		return nil, errorf("TypeError", "not all arguments converted during string formatting")
	}
	return out.String(), nil
}

// directive formats one argument of a pattern.
func directive(flags string, verb byte, argument any) (string, error) {
	for _, number := range strings.FieldsFunc(flags, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(number) > 4 {
			return "", errorf("OverflowError", "a width of %s is too large", number)
		}
	}
	if u, ok := argument.(undefined); ok && verb != 's' {
		return "", u.err()
	}
	switch verb {
	case 's':
		return fmt.Sprintf("%"+flags+"s", text(argument)), nil
	case 'r':
		return fmt.Sprintf("%"+flags+"s", python.Repr(argument)), nil
	case 'd', 'i', 'u', 'x', 'X', 'o':
		f, ok := python.Number(argument)
		if !ok || (verb == 'x' || verb == 'X' || verb == 'o') && f != math.Trunc(f) {
			return "", errorf("TypeError", "%%%c format: a real number is required, not %s", verb, typeName(argument))
		}
		n, isInt := argument.(int)
		if !isInt {
			n = int(f)
		}
		if verb == 'i' || verb == 'u' {
			verb = 'd'
		}
		return fmt.Sprintf("%"+flags+string(verb), n), nil
	case 'f', 'F', 'e', 'E', 'g', 'G':
		f, ok := python.Number(argument)
		if !ok {
			return "", errorf("TypeError", "must be real number, not %s", typeName(argument))
		}
		if (verb == 'g' || verb == 'G') && !strings.Contains(flags, ".") {
			flags += ".6"
		}
		return fmt.Sprintf("%"+flags+string(verb), f), nil
	case 'c':
		if n, ok := argument.(int); ok {
			return string(rune(n)), nil
		}
		return text(argument), nil
	}
	return "", errorf("ValueError", "unsupported format character '%c'", verb)
}

// braced implements Python's str.format: {}, {0}, {name}, {x:>8}, {x:.2f}.
func braced(pattern string, args values) (any, error) {
	var out buffer
	next := 0
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if (c == '{' || c == '}') && i+1 < len(pattern) && pattern[i+1] == c {
			i++
		} else if c == '{' {
			closing := strings.IndexByte(pattern[i:], '}')
			if closing < 0 {
				return nil, errorf("ValueError", "expected '}' before end of string")
			}
			field, spec, _ := strings.Cut(pattern[i+1:i+closing], ":")
			field, conversion, _ := strings.Cut(field, "!")
			var value any
			name := field
			if at := strings.IndexAny(field, ".["); at >= 0 {
				name = field[:at]
			}
			if name == "" {
				name = strconv.Itoa(next)
				next++
			}
			if n, err := strconv.Atoi(name); err == nil {
				if n >= len(args.positional) {
					return nil, errorf("IndexError", "Replacement index %d out of range for positional args tuple", n)
				}
				value = args.positional[n]
			} else {
				found, ok := args.named[name]
				if !ok {
					return nil, errorf("KeyError", "%s", name)
				}
				value = found
			}
			if rest := strings.TrimPrefix(field, name); rest != "" {
				for _, part := range strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
					var index any = part
					if n, err := strconv.Atoi(part); err == nil {
						index = n
					}
					found, err := itemOf(value, index)
					if err != nil {
						return nil, err
					}
					value = found
				}
			}
			if conversion == "r" {
				value = python.Repr(value)
			}
			part, err := specified(value, spec)
			if err != nil {
				return nil, err
			}
			if err := out.add(part); err != nil {
				return nil, err
			}
			i += closing
			continue
		} else if c == '}' {
			return nil, errorf("ValueError", "Single '}' encountered in format string")
		}
		if err := out.add(pattern[i : i+1]); err != nil {
			return nil, err
		}
	}
	return out.String(), nil
}

// specified formats a value by a format specification, which follows the colon in {x:>8}.
func specified(value any, spec string) (string, error) {
	if spec == "" {
		return text(value), nil
	}
	runes := []rune(spec)
	fill, align := " ", rune(0)
	if len(runes) > 1 && strings.ContainsRune("<>^=", runes[1]) {
		fill, align, runes = string(runes[0]), runes[1], runes[2:]
	} else if strings.ContainsRune("<>^=", runes[0]) {
		align, runes = runes[0], runes[1:]
	}
	rest := string(runes)
	sign := ""
	if rest != "" && strings.IndexByte("+- ", rest[0]) >= 0 {
		sign, rest = strings.Trim(rest[:1], "-"), rest[1:]
	}
	if strings.HasPrefix(rest, "0") && align == 0 {
		fill, align = "0", '='
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	width, _ := strconv.Atoi(rest[:digits])
	rest = rest[digits:]
	thousands := ""
	if strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, "_") {
		thousands, rest = rest[:1], rest[1:]
	}
	precision, verb := "", rest
	if strings.HasPrefix(rest, ".") {
		verb = strings.TrimLeft(rest[1:], "0123456789")
		precision = strings.TrimSuffix(rest, verb)
	}
	if width > 10_000 || len(precision) > 4 {
		return "", errorf("OverflowError", "a width of %s is too large", spec)
	}
	number, isNumber := python.Number(value)
	var body string
	switch {
	case verb == "%" && isNumber:
		body = fmt.Sprintf("%"+orSix(precision)+"f%%", number*100)
	case strings.Contains("eEfFgG", verb) && verb != "" && isNumber:
		body = fmt.Sprintf("%"+orSix(precision)+verb, number)
	case strings.Contains("dxXob", verb) && verb != "" && typeName(value) == "int":
		body = fmt.Sprintf("%"+verb, value)
	case verb == "" && precision != "" && isNumber:
		body = strconv.FormatFloat(number, 'g', max(1, atoi(precision[1:])), 64)
	case verb == "" || verb == "s" && !isNumber:
		body = text(value)
		if precision != "" {
			if r := []rune(body); len(r) > atoi(precision[1:]) {
				body = string(r[:atoi(precision[1:])])
			}
		}
	default:
		return "", errorf("ValueError", "Unknown format code '%s' for object of type '%s'", verb, typeName(value))
	}
	minus := ""
	if isNumber {
		if strings.HasPrefix(body, "-") {
			minus, body = "-", body[1:]
		} else {
			minus = sign
		}
		if thousands != "" {
			body = grouped(body, thousands)
		}
	}
	missing := width - len([]rune(minus+body))
	if missing <= 0 {
		return minus + body, nil
	}
	if align == 0 {
		align = '<'
		if isNumber {
			align = '>'
		}
	}
	switch align {
	case '<':
		return minus + body + strings.Repeat(fill, missing), nil
	case '^':
		return strings.Repeat(fill, missing/2) + minus + body + strings.Repeat(fill, missing-missing/2), nil
	case '=':
		return minus + strings.Repeat(fill, missing) + body, nil
	}
	return strings.Repeat(fill, missing) + minus + body, nil
}

func orSix(precision string) string {
	if precision == "" {
		return ".6"
	}
	return precision
}

func atoi(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// grouped inserts separators between thousands.
func grouped(number, separator string) string {
	integer, fraction, point := strings.Cut(number, ".")
	for i := len(integer) - 3; i > 0; i -= 3 {
		integer = integer[:i] + separator + integer[i:]
	}
	if point {
		return integer + "." + fraction
	}
	return integer
}
