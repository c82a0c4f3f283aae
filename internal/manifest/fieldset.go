package manifest

import (
	"bytes"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// fieldSets returns the fields of an object that some of its field managers have set, and nobody
// else, and those that the others have set.
func fieldSets(object *unstructured.Unstructured, managers []metav1.ManagedFieldsEntry) (own, others *fieldpath.Set, err error) {
	own, others = fieldpath.NewSet(), fieldpath.NewSet()
	for _, e := range object.GetManagedFields() {
		if e.FieldsV1 == nil {
			continue
		}
		fields := fieldpath.NewSet()
		if err := fields.FromJSON(bytes.NewReader(e.FieldsV1.Raw)); err != nil {
			return nil, nil, fmt.Errorf("read the fields that %s manages: %w", e.Manager, err)
		}
		if managed(managers, e) != nil {
			own = own.Union(fields)
		} else {
			others = others.Union(fields)
		}
	}
	return own.Difference(others), others, nil
}

// goes reports whether the field of an element goes with the fields of own: nothing of others is in it.
func goes(at fieldpath.PathElement, own, others *fieldpath.Set) bool {
	return own.Members.Has(at) && others.WithPrefix(at).Empty()
}

// ownPaths returns the paths of the fields that withoutFields takes out, without what is inside of
// another one.
func ownPaths(own, others *fieldpath.Set) (paths []fieldpath.Path) {
	own.Members.Iterate(func(at fieldpath.PathElement) {
		if goes(at, own, others) {
			paths = append(paths, fieldpath.Path{at})
		}
	})
	own.Children.Iterate(func(at fieldpath.PathElement) {
		if goes(at, own, others) {
			return
		}
		for _, path := range ownPaths(own.WithPrefix(at), others.WithPrefix(at)) {
			paths = append(paths, append(fieldpath.Path{at}, path...))
		}
	})
	return paths
}

// withoutFields returns a value without the fields of own. A mapping, or an item of a list, stays if
// fields of others are in it.
func withoutFields(v any, own, others *fieldpath.Set) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if at := fieldpath.FieldNameElement(name); goes(at, own, others) {
				delete(v, name)
			} else {
				v[name] = withoutFields(inner, own.WithPrefix(at), others.WithPrefix(at))
			}
		}
	case []any:
		kept := []any{}
		for _, item := range v {
			at, has := elementOf(item, own)
			switch {
			case !has:
				kept = append(kept, item)
			case !goes(at, own, others):
				kept = append(kept, withoutFields(item, own.WithPrefix(at), others.WithPrefix(at)))
			}
		}
		return kept
	}
	return v
}

// elementOf returns the element of a set that stands for an item of a list.
func elementOf(item any, set *fieldpath.Set) (found fieldpath.PathElement, has bool) {
	look := func(at fieldpath.PathElement) {
		if !has && isItem(item, at) {
			found, has = at, true
		}
	}
	set.Members.Iterate(look)
	set.Children.Iterate(look)
	return found, has
}

// isItem reports whether an element of a path stands for an item of a list.
func isItem(item any, at fieldpath.PathElement) bool {
	switch mapping, isMapping := item.(map[string]any); {
	case at.Value != nil:
		return value.Equals(value.NewValueInterface(item), *at.Value)
	case at.Key != nil && isMapping:
		return !slices.ContainsFunc(*at.Key, func(f value.Field) bool {
			is, has := mapping[f.Name]
			return has && !value.Equals(value.NewValueInterface(is), f.Value) // a key that is left out has its default
		})
	}
	return false
}

// hasField reports whether a value has the field of a path.
func hasField(v any, path fieldpath.Path) bool {
	for _, at := range path {
		switch below := v.(type) {
		case map[string]any:
			if at.FieldName == nil {
				return false
			}
			is, has := below[*at.FieldName]
			if !has {
				return false
			}
			v = is
		case []any:
			n := slices.IndexFunc(below, func(item any) bool { return isItem(item, at) })
			if n < 0 {
				return false
			}
			v = below[n]
		default:
			return false
		}
	}
	return true
}
