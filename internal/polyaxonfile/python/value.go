// Package python prints, compares and reads plain values as Python does. Polyaxon
// compiles with Python, and what a run gets depends on that: True and None in texts,
// 1e+16, 'quotes'.
//
// Values are nil, bool, int, float64, string, []any and map[string]any, as YAML and JSON
// have them, and List, Dict and Tuple, which only Python distinguishes.
package python

import (
	"math"
	"sort"
	"strings"
)

// Tuple is a list that is printed in parentheses.
type Tuple []any

// List is a list that can be changed in place.
type List struct{ Items []any }

// Dict is a mapping that keeps the order of its keys. The zero value is an empty Dict.
type Dict struct {
	keys   []any
	values map[any]any
}

// Set sets the value of a key. It returns false for a value that Python does not allow as
// a key, such as a list or a mapping.
func (d *Dict) Set(key, value any) bool {
	h, ok := hash(key)
	if !ok {
		return false
	}
	if d.values == nil {
		d.values = map[any]any{}
	}
	if _, exists := d.values[h]; !exists {
		d.keys = append(d.keys, key)
	}
	d.values[h] = value
	return true
}

// Get returns the value of a key, and reports whether the key exists.
func (d *Dict) Get(key any) (any, bool) {
	h, ok := hash(key)
	if !ok {
		return nil, false
	}
	value, ok := d.values[h]
	return value, ok
}

// Keys returns the keys in their order. Callers must not change them.
func (d *Dict) Keys() []any { return d.keys }

// hash returns the same value for keys that are equal in Python, such as 1, 1.0 and True.
// It returns false for a value that cannot be a key.
func hash(key any) (any, bool) {
	switch x := key.(type) {
	case bool:
		if x {
			return 1.0, true
		}
		return 0.0, true
	case int:
		return float64(x), true
	case nil, string, float64:
		return x, true
	case Tuple:
		return Repr(x), true
	}
	return nil, false
}

// Items returns the elements of a list or a tuple, and false for any other value.
func Items(value any) ([]any, bool) {
	switch x := value.(type) {
	case []any:
		return x, true
	case Tuple:
		return x, true
	case *List:
		return x.Items, true
	}
	return nil, false
}

// Mapping returns the keys of a mapping in their order, and a function that looks up a
// key. The keys of a map[string]any are sorted.
func Mapping(value any) (keys []any, get func(any) (any, bool), ok bool) {
	switch x := value.(type) {
	case *Dict:
		return x.keys, x.Get, true
	case map[string]any:
		names := make([]string, 0, len(x))
		for key := range x {
			names = append(names, key)
		}
		sort.Strings(names)
		keys = make([]any, len(names))
		for i, name := range names {
			keys[i] = name
		}
		return keys, func(key any) (any, bool) {
			name, isText := key.(string)
			found, ok := x[name]
			return found, ok && isText
		}, true
	}
	return nil, nil, false
}

// Plain converts a value to what YAML and JSON have: lists and tuples become []any,
// mappings map[string]any.
func Plain(value any) any {
	if list, ok := Items(value); ok {
		plain := make([]any, len(list))
		for i, element := range list {
			plain[i] = Plain(element)
		}
		return plain
	}
	if keys, get, ok := Mapping(value); ok {
		plain := make(map[string]any, len(keys))
		for _, key := range keys {
			element, _ := get(key)
			plain[Str(key)] = Plain(element)
		}
		return plain
	}
	return value
}

// Truth reports whether a value is true in Python: not empty, not zero and not None.
func Truth(value any) bool {
	switch x := value.(type) {
	case nil:
		return false
	case bool:
		return x
	case string:
		return x != ""
	case int:
		return x != 0
	case float64:
		return x != 0
	}
	if list, ok := Items(value); ok {
		return len(list) > 0
	}
	if keys, _, ok := Mapping(value); ok {
		return len(keys) > 0
	}
	return true
}

// Number returns a number or a boolean as float64, where True is 1. It returns false for
// any other value.
func Number(value any) (float64, bool) {
	switch x := value.(type) {
	case int:
		return float64(x), true
	case float64:
		return x, true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// Equal reports whether two values are equal in Python: 1, 1.0 and True are.
func Equal(a, b any) bool {
	if x, ok := Number(a); ok {
		y, ok := Number(b)
		return ok && x == y
	}
	if x, ok := Items(a); ok {
		y, ok := Items(b)
		_, tuple := a.(Tuple)
		_, other := b.(Tuple)
		if !ok || tuple != other || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !Equal(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	if keys, get, ok := Mapping(a); ok {
		others, other, ok := Mapping(b)
		if !ok || len(keys) != len(others) {
			return false
		}
		for _, key := range keys {
			x, _ := get(key)
			if y, ok := other(key); !ok || !Equal(x, y) {
				return false
			}
		}
		return true
	}
	if s, ok := a.(string); ok {
		t, ok := b.(string)
		return ok && s == t
	}
	return a == nil && b == nil
}

// Compare orders numbers, strings, and lists of them. The result is negative, zero or
// positive. It returns false for values that Python does not order.
func Compare(a, b any) (int, bool) {
	if x, ok := Number(a); ok {
		y, ok := Number(b)
		switch {
		case !ok:
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, !math.IsNaN(x) && !math.IsNaN(y)
	}
	if s, ok := a.(string); ok {
		t, ok := b.(string)
		return strings.Compare(s, t), ok
	}
	x, ok := Items(a)
	y, also := Items(b)
	if !ok || !also {
		return 0, false
	}
	for i := range min(len(x), len(y)) {
		if !Equal(x[i], y[i]) {
			return Compare(x[i], y[i])
		}
	}
	return len(x) - len(y), true
}
