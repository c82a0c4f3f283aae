package shape

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// cleaned copies a value, with the keys that JSON has.
func cleaned(value any) any {
	switch x := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for key, element := range x {
			m[strings.TrimPrefix(key, NotTextPrefix)] = cleaned(element)
		}
		return m
	case []any:
		list := make([]any, len(x))
		for i, element := range x {
			list[i] = cleaned(element)
		}
		return list
	}
	return value
}

// Prune removes the keys of objects whose value is null, as a server does when it writes an
// operation. What is within a value of a Kubernetes object stays.
func (s *Shaper) Prune(o *schema.Object, m map[string]any) map[string]any {
	pruned := make(map[string]any, len(m))
	for key, value := range m {
		if value == nil {
			continue
		}
		if o.Kubernetes {
			pruned[key] = value
			continue
		}
		field, here, _ := o.Find(key, s.Version)
		if !here {
			pruned[key] = value
			continue
		}
		pruned[key] = s.pruneValue(field.Type, value)
	}
	return pruned
}

func (s *Shaper) pruneValue(t schema.Type, value any) any {
	for _, c := range t {
		if !c.Has(s.Version) {
			continue
		}
		switch x := value.(type) {
		case map[string]any:
			switch c.Form {
			case schema.Mapping:
				return s.Prune(s.entry(c.Object, x), x)
			case schema.OneOf:
				name, _ := x["kind"].(string)
				if kind, here, _ := c.Union.Find(name, s.Version); here && name != "dag" {
					return s.Prune(kind.Object, x)
				}
				return x
			case schema.Map:
				pruned := make(map[string]any, len(x))
				for key, element := range x {
					pruned[key] = s.pruneValue(c.Elem, element)
				}
				return pruned
			}
		case []any:
			if c.Form == schema.List {
				pruned := make([]any, len(x))
				for i, element := range x {
					pruned[i] = s.pruneValue(c.Elem, element)
				}
				return pruned
			}
		}
	}
	return value
}
