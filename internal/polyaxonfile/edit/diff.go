package edit

import (
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Diff returns edits that turn one value into the other, and that do not touch what both
// have in common. They must be applied in order.
func Diff(from, to any) []Edit {
	if Equal(from, to) {
		return nil
	}
	return diff(nil, from, to)
}

func diff(path []string, from, to any) []Edit {
	if Equal(from, to) {
		return nil
	}
	switch a := from.(type) {
	case map[string]any:
		if b, ok := to.(map[string]any); ok && len(b) > 0 && (len(a) > 0 || len(path) == 0) {
			return diffMappings(path, a, b)
		}
	case []any:
		if b, ok := to.([]any); ok && len(a) > 0 && len(b) > 0 {
			return diffLists(path, a, b)
		}
	}
	return []Edit{Set(to, path...)}
}

func diffMappings(path []string, from, to map[string]any) []Edit {
	from, edits := respelled(path, from, to)
	for _, key := range order(to) {
		if old, ok := from[key]; ok {
			edits = append(edits, diff(below(path, key), old, to[key])...)
		} else {
			edits = append(edits, Set(to[key], below(path, key)...))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[key]; !ok {
			edits = append(edits, Delete(below(path, key)...))
		}
	}
	return edits
}

// respelled renames the keys that the other value spells differently, such as max_retries
// for maxRetries, so that they keep their place.
func respelled(path []string, from, to map[string]any) (map[string]any, []Edit) {
	var edits []Edit
	for _, key := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[key]; ok || !strings.Contains(key, "_") {
			continue
		}
		for name := range to {
			if _, had := from[name]; !had && strings.EqualFold(name, strings.ReplaceAll(key, "_", "")) {
				edits = append(edits, Rename(name, below(path, key)...))
				from = maps.Clone(from)
				from[name] = from[key]
				delete(from, key)
				break
			}
		}
	}
	return from, edits
}

// diffLists changes only what lies between the common beginning and the common end.
func diffLists(path []string, from, to []any) []Edit {
	start := 0
	for start < len(from) && start < len(to) && Equal(from[start], to[start]) {
		start++
	}
	a, b := len(from), len(to)
	for a > start && b > start && Equal(from[a-1], to[b-1]) {
		a, b = a-1, b-1
	}
	var edits []Edit
	both := min(a, b)
	for i := start; i < both; i++ {
		edits = append(edits, diff(below(path, strconv.Itoa(i)), from[i], to[i])...)
	}
	for i := both; i < b; i++ {
		at := strconv.Itoa(i)
		if a == len(from) {
			at = "-"
		}
		edits = append(edits, Insert(to[i], below(path, at)...))
	}
	for i := a - 1; i >= both; i-- {
		edits = append(edits, Delete(below(path, strconv.Itoa(i))...))
	}
	return edits
}

func below(path []string, key string) []string {
	return append(append(make([]string, 0, len(path)+1), path...), key)
}

// Equal reports whether two plain values are the same. An integer does not equal a float,
// and NaN equals NaN.
func Equal(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, Equal)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, Equal)
	case *big.Int:
		y, ok := b.(*big.Int)
		return ok && x.Cmp(y) == 0
	case float64:
		y, ok := b.(float64)
		return ok && (x == y || math.IsNaN(x) && math.IsNaN(y))
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}
