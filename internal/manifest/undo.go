package manifest

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// absent stands for a value that is not there.
type absent struct{}

// undo returns the object now without what an apply changed, which made after of before. What
// others have changed since stays, such as the replicas that an autoscaler has set. It reports
// false if somebody has changed the same as the apply.
func undo(before, after, now *unstructured.Unstructured) (*unstructured.Unstructured, bool) {
	was, made, is := essence(before), essence(after), essence(now)
	old, hadOld, _ := unstructured.NestedFieldCopy(was, "spec", "replicas")
	set, hasSet, _ := unstructured.NestedFieldCopy(is, "spec", "replicas")
	if applied, _, _ := unstructured.NestedFieldNoCopy(made, "spec", "replicas"); hasSet && hadOld && !equality.Semantic.DeepEqual(applied, set) {
		_ = unstructured.SetNestedField(made, old, "spec", "replicas") // the mapping is there
	}
	merged, clear := undoValue(was, made, is)
	content, isObject := merged.(map[string]any)
	if !clear || !isObject {
		return nil, false
	}
	result := &unstructured.Unstructured{Object: content}
	if status, has := now.Object["status"]; has {
		content["status"] = status
	}
	for _, key := range serverKeys {
		if value, has, _ := unstructured.NestedFieldCopy(now.Object, "metadata", key); has {
			_ = unstructured.SetNestedField(content, value, "metadata", key) // the mapping is there
		}
	}
	return result, true
}

// undoValue is undo for a value inside of an object.
func undoValue(before, after, now any) (any, bool) {
	switch {
	case equality.Semantic.DeepEqual(before, after), equality.Semantic.DeepEqual(before, now):
		return now, true
	case equality.Semantic.DeepEqual(after, now):
		return before, true
	}
	was, isWas := before.(map[string]any)
	made, isMade := after.(map[string]any)
	is, isIs := now.(map[string]any)
	if isWas && isMade && isIs {
		return undoMapping(was, made, is)
	}
	return undoList(before, after, now)
}

func undoMapping(before, after, now map[string]any) (any, bool) {
	merged := map[string]any{}
	of := func(values map[string]any, key string) any {
		if value, has := values[key]; has {
			return value
		}
		return absent{}
	}
	for _, values := range []map[string]any{before, after, now} {
		for key := range values {
			value, clear := undoValue(of(before, key), of(after, key), of(now, key))
			if !clear {
				return nil, false
			}
			if value != (any)(absent{}) {
				merged[key] = value
			}
		}
	}
	return merged, true
}

// undoList is undoValue for lists whose items have names, such as containers.
func undoList(before, after, now any) (any, bool) {
	was, clearWas := byName(before)
	made, clearMade := byName(after)
	is, clearIs := byName(now)
	if !clearWas || !clearMade || !clearIs {
		return nil, false
	}
	merged, clear := undoMapping(was, made, is)
	values, isMapping := merged.(map[string]any)
	if !clear || !isMapping {
		return nil, false
	}
	var list []any
	for _, items := range []any{now, before} { // in the order of now, and then what the apply had removed
		all, _ := items.([]any)
		for _, item := range all {
			if value, has := values[nameOf(item)]; has {
				list = append(list, value)
				delete(values, nameOf(item))
			}
		}
	}
	return list, true
}

// byName returns the items of a list by their names. It reports false if one has none, or if two
// have the same.
func byName(list any) (map[string]any, bool) {
	items, isList := list.([]any)
	named := map[string]any{}
	for _, item := range items {
		named[nameOf(item)] = item
	}
	return named, isList && len(named) == len(items) && !slices.ContainsFunc(items, func(item any) bool { return nameOf(item) == "" })
}
