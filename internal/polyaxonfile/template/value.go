package template

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// undefined is the value of an undefined name. It renders as an empty text, and most
// operations on it return an error.
type undefined struct{ description string }

func (u undefined) err() error { return errorf("UndefinedError", "%s", u.description) }

// function is a value that can be called.
type function func(r *runtime, args values) (any, error)

// values are the evaluated arguments of a call.
type values struct {
	positional []any
	named      map[string]any
}

// get returns the nth argument, by position or by name, or otherwise.
func (v values) get(n int, name string, otherwise any) any {
	if n < len(v.positional) {
		return v.positional[n]
	}
	if value, ok := v.named[name]; ok {
		return value
	}
	return otherwise
}

// namespace is the value of namespace(): its attributes can be changed by set.
type namespace map[string]any

// buffer is a text whose length is limited to maxText.
type buffer struct{ strings.Builder }

func (b *buffer) add(text string) error {
	if b.Len()+len(text) > maxText {
		return errorf("OverflowError", "a template's text grows beyond 1 MiB")
	}
	b.WriteString(text)
	return nil
}

func (f *frame) get(name string) (any, bool) {
	for ; f != nil; f = f.parent {
		if value, ok := f.variables[name]; ok {
			return value, true
		}
	}
	return nil, false
}

// text formats a value as it is printed.
func text(value any) string {
	switch x := value.(type) {
	case undefined:
		return ""
	case function:
		return "<function>"
	case *loopState:
		return "<LoopContext>"
	case namespace:
		return "<Namespace " + python.Repr(map[string]any(x)) + ">"
	}
	return python.Str(value)
}

func truth(value any) bool {
	if _, ok := value.(undefined); ok {
		return false
	}
	return python.Truth(value)
}

// iterate returns the elements of a value: the characters of a text, the keys of a
// mapping, and nothing for an undefined value.
func (r *runtime) iterate(value any) ([]any, error) {
	if items, ok := python.Items(value); ok {
		return items, nil
	}
	if keys, _, ok := python.Mapping(value); ok {
		return keys, nil
	}
	switch x := value.(type) {
	case undefined:
		return nil, nil
	case string:
		if len(x) > maxItems {
			return nil, errorf("OverflowError", "a list of more than %d elements", maxItems)
		}
		var items []any
		for _, c := range x {
			items = append(items, string(c))
		}
		return items, nil
	}
	return nil, errorf("TypeError", "'%s' object is not iterable", typeName(value))
}

// typeName returns the name of a value's type in Python.
func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case python.Tuple:
		return "tuple"
	case undefined:
		return "Undefined"
	case function:
		return "function"
	}
	if _, ok := python.Items(value); ok {
		return "list"
	}
	if _, _, ok := python.Mapping(value); ok {
		return "dict"
	}
	return "object"
}
