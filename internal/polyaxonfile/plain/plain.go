// Package plain copies and looks into plain values: those that YAML and JSON have, as Go
// has them.
package plain

import (
	"maps"
	"slices"
)

// Clone copies a mapping, nil as an empty one.
func Clone(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return Copy(m).(map[string]any)
}

// Copy copies a value.
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

// Map returns a value as a mapping, an empty one for anything else.
func Map(value any) map[string]any {
	m, _ := value.(map[string]any)
	if m == nil {
		return map[string]any{}
	}
	return m
}
