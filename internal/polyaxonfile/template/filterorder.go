package template

import (
	"sort"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func dictSort(_ *runtime, value any, args values) (any, error) {
	all, err := pairs(value)
	if err != nil {
		return nil, err
	}
	by := 0
	switch args.get(1, "by", "key") {
	case "key":
	case "value":
		by = 1
	default:
		return nil, errorf("FilterArgumentError", "You can only sort by either \"key\" or \"value\"")
	}
	return ordered(all, truth(args.get(0, "case_sensitive", false)), truth(args.get(2, "reverse", false)), func(item any) (any, error) {
		pair, _ := python.Items(item)
		return pair[by], nil
	})
}

// ordered sorts items by the keys that by returns. It ignores case unless caseSensitive
// is set.
func ordered(items []any, caseSensitive, reversed bool, by func(any) (any, error)) (any, error) {
	type entry struct{ key, item any }
	entries := make([]entry, len(items))
	for i, item := range items {
		key, err := by(item)
		if err != nil {
			return nil, err
		}
		if s, ok := key.(string); ok && !caseSensitive {
			key = strings.ToLower(s)
		}
		entries[i] = entry{key, item}
	}
	var failed error
	sort.SliceStable(entries, func(i, j int) bool {
		a, b := entries[i].key, entries[j].key
		if reversed {
			a, b = b, a
		}
		order, ok := python.Compare(a, b)
		if !ok {
			failed = errorf("TypeError", "'<' not supported between instances of '%s' and '%s'", typeName(b), typeName(a))
		}
		return order < 0
	})
	all := make([]any, len(entries))
	for i, e := range entries {
		all[i] = e.item
	}
	return &python.List{Items: all}, failed
}

func byAttribute(name any) func(any) (any, error) {
	return func(item any) (any, error) {
		if name == nil {
			return item, nil
		}
		var keys []any
		for _, part := range strings.Split(text(name), ",") {
			key, err := deepAttribute(item, part)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		if len(keys) == 1 {
			return keys[0], nil
		}
		return keys, nil
	}
}

func sorted(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	return ordered(items, truth(args.get(1, "case_sensitive", false)), truth(args.get(0, "reverse", false)), byAttribute(args.get(2, "attribute", nil)))
}

func groupBy(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	by := byAttribute(args.get(0, "attribute", nil))
	all, err := ordered(items, truth(args.get(2, "case_sensitive", false)), false, by)
	if err != nil {
		return nil, err
	}
	arranged, _ := python.Items(all)
	var groups []any
	var group *python.List
	var current any
	for _, item := range arranged {
		key, err := by(item)
		if err != nil {
			return nil, err
		}
		if group == nil || !equal(key, current) {
			group, current = &python.List{}, key
			groups = append(groups, python.Tuple{key, group})
		}
		group.Items = append(group.Items, item)
	}
	return groups, nil
}

func unique(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	by := byAttribute(args.get(1, "attribute", nil))
	var seen python.Dict
	kept := []any{}
	for _, item := range items {
		key, err := by(item)
		if err != nil {
			return nil, err
		}
		if s, ok := key.(string); ok && !truth(args.get(0, "case_sensitive", false)) {
			key = strings.ToLower(s)
		}
		if _, known := seen.Get(key); known {
			continue
		}
		if !seen.Set(key, true) {
			return nil, errorf("TypeError", "unhashable type: '%s'", typeName(key))
		}
		kept = append(kept, item)
	}
	return &python.List{Items: kept}, nil
}

// extreme returns the filter max or min.
func extreme(sign int) filterFunc {
	return func(r *runtime, value any, args values) (any, error) {
		items, err := r.iterate(value)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return undefined{"No aggregated item, sequence was empty."}, nil
		}
		all, err := ordered(items, truth(args.get(0, "case_sensitive", false)), sign > 0, byAttribute(args.get(1, "attribute", nil)))
		if err != nil {
			return nil, err
		}
		arranged, _ := python.Items(all)
		return arranged[0], nil
	}
}
