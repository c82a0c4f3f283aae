package polyaxonfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// describe names a place for people.
func describe(path []string, name string) string {
	if len(path) == 0 {
		return "the " + name
	}
	return strings.Join(path, ".")
}

func typeName(v any) string {
	switch x := v.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return strconv.Quote(x)
	}
	return fmt.Sprint(v)
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func templated(text string) bool { return strings.Contains(text, "{{") || strings.Contains(text, "{%") }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// componentNames gives the names of a dag's components.
func componentNames(dag map[string]any) map[string]bool {
	names := map[string]bool{}
	components, _ := dag["components"].([]any)
	for _, component := range components {
		m, _ := component.(map[string]any)
		if name, ok := m["name"].(string); ok {
			names[name] = true
		}
	}
	return names
}
