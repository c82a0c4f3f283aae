package template

import (
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func batch(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	size, err := count(args, 0, "linecount", 0)
	if err != nil || size < 1 {
		return nil, errorf("TypeError", "batch needs a size")
	}
	var rows []any
	for len(items) > 0 {
		n := min(size, len(items))
		row := append([]any{}, items[:n]...)
		items = items[n:]
		if fill := args.get(1, "fill_with", nil); fill != nil {
			if size > maxItems {
				return nil, errorf("OverflowError", "a list of more than %d elements", maxItems)
			}
			for len(row) < size {
				row = append(row, fill)
			}
		}
		rows = append(rows, &python.List{Items: row})
	}
	return rows, nil
}

// slicesFilter splits a list into a number of lists of about the same length.
func slicesFilter(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	n, err := count(args, 0, "slices", 0)
	if err != nil || n < 1 || n > maxItems {
		return nil, errorf("TypeError", "slice needs a number of slices")
	}
	each, extra := len(items)/n, len(items)%n
	var rows []any
	at := 0
	for i := range n {
		size := each
		if i < extra {
			size++
		}
		row := append([]any{}, items[at:at+size]...)
		if fill := args.get(1, "fill_with", nil); fill != nil && i >= extra && extra > 0 {
			row = append(row, fill)
		}
		at += size
		rows = append(rows, &python.List{Items: row})
	}
	return rows, nil
}

func pairs(value any) ([]any, error) {
	keys, get, ok := python.Mapping(value)
	if !ok {
		if err := defined(value); err != nil {
			return nil, err
		}
		return nil, errorf("TypeError", "Can only get item pairs from a mapping.")
	}
	all := make([]any, len(keys))
	for i, key := range keys {
		element, _ := get(key)
		all[i] = python.Tuple{key, element}
	}
	return all, nil
}

func itemsFilter(_ *runtime, value any, _ values) (any, error) {
	if _, missing := value.(undefined); missing {
		return []any{}, nil
	}
	return pairs(value)
}

func first(r *runtime, value any, _ values) (any, error) {
	items, err := r.iterate(value)
	if err != nil || len(items) > 0 {
		return at(items, 0), err
	}
	return undefined{"No first item, sequence was empty."}, nil
}

func last(r *runtime, value any, _ values) (any, error) {
	items, err := r.iterate(value)
	if err != nil || len(items) > 0 {
		return at(items, len(items)-1), err
	}
	return undefined{"No last item, sequence was empty."}, nil
}

func at(items []any, i int) any {
	if i < 0 || i >= len(items) {
		return nil
	}
	return items[i]
}

func join(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(items))
	for i, item := range items {
		if name := args.get(1, "attribute", nil); name != nil {
			if item, err = deepAttribute(item, name); err != nil {
				return nil, err
			}
		}
		parts[i] = text(item)
	}
	return joined(parts, text(args.get(0, "d", "")))
}

func toList(r *runtime, value any, _ values) (any, error) {
	items, err := r.iterate(value)
	return &python.List{Items: append([]any{}, items...)}, err
}

// deepAttribute returns an attribute by a dotted name, or an element by its index.
func deepAttribute(value, name any) (any, error) {
	if _, ok := name.(string); !ok {
		return itemOf(value, name)
	}
	for _, part := range strings.Split(text(name), ".") {
		var index any = part
		if n, err := strconv.Atoi(part); err == nil {
			index = n
		}
		if u, ok := value.(undefined); ok {
			return nil, u.err()
		}
		var err error
		if value, err = itemOf(value, index); err != nil {
			return nil, err
		}
	}
	return value, nil
}

func mapFilter(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	mapped := make([]any, len(items))
	name, byAttribute := args.named["attribute"]
	for i, item := range items {
		switch {
		case byAttribute:
			if mapped[i], err = deepAttribute(item, name); err != nil {
				return nil, err
			}
			if _, missing := mapped[i].(undefined); missing {
				if otherwise, ok := args.named["default"]; ok {
					mapped[i] = otherwise
				}
			}
		case len(args.positional) == 0 || !isFilter(text(args.positional[0])):
			return nil, unknownName("filter", text(args.get(0, "", "")))
		default:
			if mapped[i], err = r.filter(text(args.positional[0]), item, values{args.positional[1:], args.named}); err != nil {
				return nil, err
			}
		}
	}
	return &python.List{Items: mapped}, nil
}

// choose returns the filter select, reject, selectattr or rejectattr.
func choose(keep, byAttribute bool) filterFunc {
	return func(r *runtime, value any, args values) (any, error) {
		items, err := r.iterate(value)
		if err != nil {
			return nil, err
		}
		rest := args.positional
		var name any
		if byAttribute {
			if len(rest) == 0 {
				return nil, errorf("FilterArgumentError", "Missing parameter for attribute name")
			}
			name, rest = rest[0], rest[1:]
		}
		kept := []any{}
		for _, item := range items {
			subject := item
			if byAttribute {
				if subject, err = deepAttribute(item, name); err != nil {
					return nil, err
				}
			}
			ok := truth(subject)
			if len(rest) > 0 {
				if !isTest(text(rest[0])) {
					return nil, unknownName("test", text(rest[0]))
				}
				if ok, err = test(text(rest[0]), subject, values{rest[1:], args.named}); err != nil {
					return nil, err
				}
			}
			if ok == keep {
				kept = append(kept, item)
			}
		}
		return &python.List{Items: kept}, nil
	}
}

func reverse(r *runtime, value any, _ values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	reversed := make([]any, len(items))
	for i, item := range items {
		reversed[len(items)-1-i] = item
	}
	if _, ok := value.(string); ok {
		var b strings.Builder
		for _, c := range reversed {
			b.WriteString(text(c))
		}
		return b.String(), nil
	}
	return &python.List{Items: reversed}, nil
}

func sum(r *runtime, value any, args values) (any, error) {
	items, err := r.iterate(value)
	if err != nil {
		return nil, err
	}
	by := byAttribute(args.get(0, "attribute", nil))
	total := args.get(1, "start", 0)
	for _, item := range items {
		item, err := by(item)
		if err != nil {
			return nil, err
		}
		if total, err = arithmetic("+", total, item); err != nil {
			return nil, err
		}
	}
	return total, nil
}
