package compose

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// The strategies by which Polyaxon merges one value into another.
const (
	postMerge = "post_merge" // the new value wins, lists are joined; the default
	preMerge  = "pre_merge"  // the old value wins, lists are joined, new elements first
	replace   = "replace"    // the new value replaces the old one
	isNull    = "isnull"     // the new value only fills what is empty
)

// merge merges the mapping over into the mapping base, key by key. Both are shaped. A key of
// over whose value is null clears the value. layer changes base.
func (s *Composer) merge(o *schema.Object, base, over map[string]any, strategy string) {
	for key, value := range over {
		field, here, _ := o.Find(key, s.Version)
		if here || o.Kubernetes {
			base[key] = s.mergeValue(o, key, field.Type, base[key], value, strategy)
		}
	}
}

func (s *Composer) mergeValue(o *schema.Object, key string, t schema.Type, old, value any, strategy string) any {
	if old == nil {
		return value
	}
	if o.Kubernetes {
		return mergeAny(old, value, strategy)
	}
	if m, ok := old.(map[string]any); ok {
		over, isMapping := value.(map[string]any)
		for _, c := range t {
			switch {
			case c.Form == schema.Mapping && c.Object.Kubernetes:
				if isMapping {
					mergeKubernetes(m, over, strategy)
				}
				return m
			case c.Form == schema.Mapping && !c.Object.Open:
				if isMapping {
					s.merge(c.Object, m, over, strategy)
				}
				return m
			case c.Form == schema.OneOf && (key == "schedule" || key == "matrix" || key == "run"):
				return s.mergeKind(c.Union, m, value, strategy)
			}
		}
	}
	return mergeAny(old, value, strategy)
}

// mergeKind merges a value into one that has a kind. If the kind is the same, it does so key
// by key; otherwise only one of the two values is kept.
func (s *Composer) mergeKind(u *schema.Union, old map[string]any, value any, strategy string) any {
	over, ok := value.(map[string]any)
	switch {
	case u.Name != "run" && strategy == isNull:
		return old
	case u.Name != "run" && strategy == replace:
		return value
	case ok && over["kind"] == old["kind"]:
		name, _ := old["kind"].(string)
		if kind, here, _ := u.Find(name, s.Version); here {
			s.merge(kind.Object, old, over, strategy)
		}
		return old
	case strategy == preMerge || strategy == isNull:
		return old
	}
	return value
}

// mergeKubernetes merges the keys of a Kubernetes object. A key whose value is null changes
// nothing.
func mergeKubernetes(base, over map[string]any, strategy string) {
	for key, value := range over {
		if value == nil {
			continue
		}
		if base[key] == nil {
			base[key] = value
			continue
		}
		base[key] = mergeAny(base[key], value, strategy)
	}
}

// mergeAny merges values that the tables do not describe.
func mergeAny(old, value any, strategy string) any {
	switch {
	case old == nil:
		return value
	case strategy == isNull:
		return old
	case strategy == replace:
		return value
	}
	switch x := old.(type) {
	case map[string]any:
		over, ok := value.(map[string]any)
		switch {
		case ok && strategy == preMerge:
			return deepUpdate(over, x)
		case ok:
			return deepUpdate(x, over)
		}
	case []any:
		over, ok := value.([]any)
		switch {
		case ok && strategy == preMerge:
			return union(over, x)
		case ok:
			return union(x, over)
		}
	}
	if strategy == preMerge {
		return old
	}
	return value
}

// deepUpdate returns base updated with over's keys, at every depth.
func deepUpdate(base, over map[string]any) map[string]any {
	merged := plain.Clone(base)
	for key, value := range over {
		below, ok := value.(map[string]any)
		have, also := merged[key].(map[string]any)
		if _, exists := merged[key]; ok && (also || !exists) {
			merged[key] = deepUpdate(have, below)
			continue
		}
		merged[key] = plain.Copy(value)
	}
	return merged
}

// union returns first, followed by the elements of second that first does not contain.
func union(first, second []any) []any {
	joined := append([]any{}, first...)
next:
	for _, candidate := range second {
		for _, have := range first {
			if python.Equal(have, candidate) {
				continue next
			}
		}
		joined = append(joined, plain.Copy(candidate))
	}
	return joined
}
