// Package plain copies and inspects plain values: the Go values that represent YAML and
// JSON.
package plain

import (
	"maps"
	"slices"
)

// Clone returns a deep copy of a mapping. The copy of nil is an empty mapping.
func Clone(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return Copy(m).(map[string]any)
}

// Copy returns a deep copy of a value.
func Copy(value any) any {
	switch x := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(x))
		for k, v := range x {
			c[k] = Copy(v)
		}
		return c
	case []any:
		c := make([]any, len(x))
		for i, v := range x {
			c[i] = Copy(v)
		}
		return c
	}
	return value
}

// Keys returns the keys of a mapping, sorted.
func Keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Map returns a value that is a mapping, and an empty mapping for any other value.
func Map(value any) map[string]any {
	m, _ := value.(map[string]any)
	if m == nil {
		return map[string]any{}
	}
	return m
}
