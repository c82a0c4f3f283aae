package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// masked stands in a diff for the value of a Secret, and changedValue for one that changes.
const masked, changedValue = "***", "*** (changed)"

// mask hides the values of a Secret. What changes is marked. The annotation in which kubectl
// keeps what it applied has the values, too.
func mask(kind schema.GroupVersionKind, before, after map[string]any) {
	if kind.Group != "" || kind.Kind != "Secret" {
		return
	}
	for _, path := range [][]string{{"data"}, {"stringData"}, {"metadata", "annotations"}} {
		old, _, _ := unstructured.NestedMap(before, path...)
		changed, _, _ := unstructured.NestedMap(after, path...)
		was := maps.Clone(old)
		for _, side := range []struct{ object, values map[string]any }{{before, old}, {after, changed}} {
			for key, value := range side.values {
				if path[0] == "metadata" && key != lastApplied {
					continue
				}
				side.values[key] = masked
				if last, had := was[key]; had && last != value {
					side.values[key] = changedValue
				}
			}
			if len(side.values) > 0 {
				_ = unstructured.SetNestedMap(side.object, side.values, path...) // the mapping is there
			}
		}
	}
}

// lastApplied is the annotation in which kubectl keeps an object as it was applied.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// hidden is what a diff of an object must not show, because its manifest takes it from variables
// with secret values.
type hidden struct {
	// scalars are whole values of the manifest. values are those of the variables.
	scalars, values map[string]bool
}

// minInside is the length from which a value is also masked inside of other text.
const minInside = 4

// has reports whether a scalar must not be shown.
func (h hidden) has(scalar any) bool {
	text := fmt.Sprint(scalar)
	if h.scalars[text] {
		return true
	}
	for value := range h.values {
		if len(value) >= minInside && strings.Contains(text, value) {
			return true
		}
	}
	return false
}

// mask hides secret values in two states of an object, and what was, or will be, in the same
// place: an old value is not known.
func (h hidden) mask(before, after map[string]any) {
	if len(h.scalars) == 0 && len(h.values) == 0 {
		return
	}
	for _, object := range []map[string]any{before, after} {
		if _, has, _ := unstructured.NestedString(object, "metadata", "annotations", lastApplied); has {
			_ = unstructured.SetNestedField(object, masked, "metadata", "annotations", lastApplied) // the mapping is there
		}
	}
	h.pair(before, after)
}

// pair masks two values that are at the same place, and returns them. Each may be nil.
func (h hidden) pair(before, after any) (any, any) {
	switch {
	case before != nil && after != nil && (isMapping(before) != isMapping(after) || isList(before) != isList(after)):
		before, _ = h.pair(before, nil)
		_, after = h.pair(nil, after)
	case isMapping(before) || isMapping(after):
		old, _ := before.(map[string]any)
		changed, _ := after.(map[string]any)
		for _, key := range slices.Concat(slices.Collect(maps.Keys(old)), slices.Collect(maps.Keys(changed))) {
			was, is := h.pair(old[key], changed[key])
			if _, has := old[key]; has {
				old[key] = was
			}
			if _, has := changed[key]; has {
				changed[key] = is
			}
		}
	case isList(before) || isList(after):
		old, _ := before.([]any)
		changed, _ := after.([]any)
		for n := range old {
			if at := counterpart(old[n], n, changed); at >= 0 {
				old[n], changed[at] = h.pair(old[n], changed[at])
			} else {
				old[n], _ = h.pair(old[n], nil)
			}
		}
		for n := range changed { // what is masked already stays so
			_, changed[n] = h.pair(nil, changed[n])
		}
	case before != nil && h.has(before), after != nil && h.has(after):
		if before != nil && after != nil && before != after {
			return masked, changedValue
		}
		return masked, masked
	}
	return before, after
}

func isMapping(value any) bool { _, is := value.(map[string]any); return is }

func isList(value any) bool { _, is := value.([]any); return is }

// counterpart returns the index of the item of a list that an item of another list, at index n,
// stands for: the one with the same name or, if it has none, that at the same index. It returns -1
// if there is none.
func counterpart(item any, n int, list []any) int {
	if name := nameOf(item); name != "" {
		return slices.IndexFunc(list, func(other any) bool { return nameOf(other) == name })
	}
	if n < len(list) {
		return n
	}
	return -1
}

// nameOf returns the name of an item of a list, or "".
func nameOf(item any) string {
	mapping, _ := item.(map[string]any)
	name, _ := mapping["name"].(string)
	return name
}
