package template

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// format implements Python's operator % on a string: %s, %d, %05.2f, %(name)s.
func format(pattern string, value any) (any, error) {
	f := &percent{args: []any{value}}
	if tuple, ok := value.(python.Tuple); ok {
		f.args = tuple
	}
	_, f.get, f.mapped = python.Mapping(value)
	var out buffer
	for rest := pattern; rest != ""; {
		text, after, found := strings.Cut(rest, "%")
		if err := out.add(text); err != nil {
			return nil, err
		}
		if rest = after; !found {
			break
		}
		part, after, err := f.next(rest)
		if err != nil {
			return nil, err
		}
		if err := out.add(part); err != nil {
			return nil, err
		}
		rest = after
	}
	if f.used < len(f.args) && !f.mapped {
		return nil, errorf("TypeError", "not all arguments converted during string formatting")
	}
	return out.String(), nil
}

// percent is the right operand of the operator: one value, a tuple of arguments, or a mapping.
type percent struct {
	args   []any
	used   int
	get    func(any) (any, bool)
	mapped bool
}

// next formats the directive that a text begins with, after its percent sign. It returns the text after it.
func (p *percent) next(text string) (part, after string, err error) {
	if after, ok := strings.CutPrefix(text, "%"); ok {
		return "%", after, nil
	}
	argument, text, err := p.argument(text)
	if err != nil {
		return "", "", err
	}
	rest := strings.TrimLeft(text, "-+ #0123456789.")
	flags := strings.TrimSuffix(text, rest)
	if rest != "" && strings.IndexByte("hlL", rest[0]) >= 0 {
		rest = rest[1:] // a size in C, which means nothing
	}
	if rest == "" {
		return "", "", errorf("ValueError", "incomplete format")
	}
	part, err = directive(flags, rest[0], argument)
	return part, rest[1:], err
}

// argument returns what the directive formats: the value of the key that it begins with, or the next argument.
func (p *percent) argument(text string) (argument any, after string, err error) {
	keyed, isKeyed := strings.CutPrefix(text, "(")
	switch {
	case text == "":
		return nil, "", errorf("ValueError", "incomplete format")
	case !isKeyed && p.used >= len(p.args):
		return nil, "", errorf("TypeError", "not enough arguments for format string")
	case !isKeyed:
		p.used++
		return p.args[p.used-1], text, nil
	}
	key, after, closed := strings.Cut(keyed, ")")
	switch {
	case !closed:
		return nil, "", errorf("ValueError", "incomplete format key")
	case !p.mapped:
		return nil, "", errorf("TypeError", "format requires a mapping")
	}
	argument, found := p.get(key)
	if !found {
		return nil, "", errorf("KeyError", "%s", key)
	}
	return argument, after, nil
}

// directive formats one argument of a pattern. Go's flags, widths and verbs mean what Python's do, but for those that
// are changed here.
func directive(flags string, verb byte, argument any) (string, error) {
	for _, number := range strings.FieldsFunc(flags, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(number) > 4 {
			return "", errorf("OverflowError", "a width of %s is too large", number)
		}
	}
	switch verb {
	case 's':
		return sized(flags, text(argument)), nil
	case 'r', 'a':
		return sized(flags, python.Repr(argument)), nil
	case 'c':
		return character(flags, argument)
	}
	if u, ok := argument.(undefined); ok {
		return "", u.err()
	}
	number, isNumber := python.Number(argument)
	switch verb {
	case 'd', 'i', 'u':
		if isNumber && !math.IsInf(number, 0) && !math.IsNaN(number) {
			return fmt.Sprintf("%"+flags+"d", integer(argument, number)), nil
		}
		return "", errorf("TypeError", "%%%c format: a real number is required, not %s", verb, typeName(argument))
	case 'x', 'X', 'o':
		if _, isFloat := argument.(float64); isFloat || !isNumber {
			return "", errorf("TypeError", "%%%c format: an integer is required, not %s", verb, typeName(argument))
		}
		if verb == 'o' && strings.Contains(flags, "#") {
			flags, verb = strings.ReplaceAll(flags, "#", ""), 'O' // Go's # is a 0 without an o
		}
		return fmt.Sprintf("%"+flags+string(verb), integer(argument, number)), nil
	case 'f', 'F', 'e', 'E', 'g', 'G':
		if !isNumber {
			return "", errorf("TypeError", "must be real number, not %s", typeName(argument))
		}
		if (verb == 'g' || verb == 'G') && !strings.Contains(flags, ".") {
			flags += ".6"
		}
		return fmt.Sprintf("%"+flags+string(verb), number), nil
	}
	return "", errorf("ValueError", "unsupported format character '%c'", verb)
}

// sized formats a text, for which only a width, a precision and the flag - count.
func sized(flags, text string) string {
	size := strings.TrimLeft(flags, "-+ #0")
	if strings.Contains(flags, "-") {
		size = "-" + size
	}
	return fmt.Sprintf("%"+size+"s", text)
}

// character formats the one character of a text, or the one with a number.
func character(flags string, argument any) (string, error) {
	var c string
	switch x := argument.(type) {
	case int:
		c = string(rune(x))
	case string:
		c = x
	}
	if utf8.RuneCountInString(c) != 1 {
		return "", errorf("TypeError", "%%c requires int or char")
	}
	return sized(flags, c), nil
}

// integer returns a number without its fraction. It may have more than 64 bits.
func integer(argument any, number float64) *big.Int {
	if n, ok := argument.(int); ok {
		return big.NewInt(int64(n))
	}
	whole, _ := big.NewFloat(number).Int(nil)
	return whole
}
