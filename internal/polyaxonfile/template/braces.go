package template

import (
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// braced implements Python's str.format: {}, {0}, {name}, {x[key]}, {x!r}, {x:>8}, {x:{width}}.
func braced(pattern string, args values) (any, error) {
	f := &formatter{args: args}
	return f.format(pattern, 2) // Python, too, replaces fields in a specification, and none in those
}

// formatter is one call of str.format.
type formatter struct {
	args values
	// used is the number of arguments that fields without a name stand for, and numbered reports
	// whether fields have numbers. A pattern has one or the other.
	used     int
	numbered bool
}

// format replaces the fields of a pattern, depth levels deep.
func (f *formatter) format(pattern string, depth int) (string, error) {
	if depth == 0 {
		return "", errorf("ValueError", "Max string recursion exceeded")
	}
	var out buffer
	for i := 0; i < len(pattern); i++ {
		c, part := pattern[i], pattern[i:i+1]
		switch {
		case (c == '{' || c == '}') && strings.HasPrefix(pattern[i+1:], part): // {{ and }}
			i++
		case c == '}':
			return "", errorf("ValueError", "Single '}' encountered in format string")
		case c == '{':
			field, closed := fieldOf(pattern[i+1:])
			if !closed {
				return "", errorf("ValueError", "expected '}' before end of string")
			}
			var err error
			if part, err = f.replacement(field, depth); err != nil {
				return "", err
			}
			i += len("}") + len(field)
		}
		if err := out.add(part); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

// fieldOf returns what stands before the brace that closes a field. It reports false if there is none.
func fieldOf(text string) (string, bool) {
	open := 1
	for i, c := range text {
		switch c {
		case '{':
			open++
		case '}':
			open--
		}
		if open == 0 {
			return text[:i], true
		}
	}
	return "", false
}

// replacement returns what takes the place of a field, such as x!r:>8.
func (f *formatter) replacement(field string, depth int) (string, error) {
	field, spec, _ := strings.Cut(field, ":")
	field, conversion, converted := strings.Cut(field, "!")
	value, err := f.value(field)
	if err != nil {
		return "", err
	}
	switch {
	case conversion == "r" || conversion == "a":
		value = python.Repr(value)
	case conversion == "s":
		value = text(value)
	case converted:
		return "", errorf("ValueError", "Unknown conversion specifier %s", conversion)
	}
	if spec != "" {
		if spec, err = f.format(spec, depth-1); err != nil {
			return "", err
		}
	}
	return specified(value, spec)
}

// value returns the value that a field names, such as 0, x, or x[key].
func (f *formatter) value(field string) (any, error) {
	name := field
	if at := strings.IndexAny(field, ".["); at >= 0 {
		name = field[:at]
	}
	value, err := f.argument(name)
	for path := field[len(name):]; path != "" && err == nil; {
		key, rest, closed := strings.Cut(path[1:], "]")
		switch {
		case path[0] == '.': // no value has attributes that can be printed
			return nil, errorf("AttributeError", "'%s' object has no attribute '%s'", typeName(value), path[1:])
		case path[0] != '[':
			return nil, errorf("ValueError", "Only '.' or '[' may follow ']' in format field specifier")
		case !closed:
			return nil, errorf("ValueError", "Missing ']' in format string")
		case key == "":
			return nil, errorf("ValueError", "Empty attribute in format string")
		}
		value, err = subscript(value, key)
		path = rest
	}
	return value, err
}

// argument returns the argument of a name or a number, or the next one for "".
func (f *formatter) argument(name string) (any, error) {
	n, isNumber := position(name)
	switch {
	case name == "" && f.numbered, isNumber && f.used > 0:
		return nil, errorf("ValueError", "cannot switch between automatic field numbering and manual field specification")
	case name == "":
		n = f.used
		f.used++
	case isNumber:
		f.numbered = true
	default:
		value, ok := f.args.named[name]
		if !ok {
			return nil, errorf("KeyError", "%s", name)
		}
		return value, nil
	}
	if n >= len(f.args.positional) {
		return nil, errorf("IndexError", "Replacement index %d out of range for positional args tuple", n)
	}
	return f.args.positional[n], nil
}

// position returns the number that a text of digits stands for. A sign is part of a name.
func position(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// subscript returns value[key] as Python does, where a missing element is an error. In expressions of
// Jinja it is undefined.
func subscript(value any, key string) (any, error) {
	var index any = key
	n, isNumber := position(key)
	if isNumber {
		index = n
	}
	_, get, isMapping := python.Mapping(value)
	items, isList := elements(value)
	switch {
	case isMapping:
		if found, ok := get(index); ok {
			return found, nil
		}
		return nil, errorf("KeyError", "%s", python.Repr(index))
	case !isList:
		return nil, errorf("TypeError", "'%s' object is not subscriptable", typeName(value))
	case !isNumber:
		return nil, errorf("TypeError", "%s indices must be integers or slices, not str", typeName(value))
	case n >= len(items):
		return nil, errorf("IndexError", "%s index out of range", typeName(value))
	}
	return items[n], nil
}
