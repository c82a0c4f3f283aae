package template

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// item evaluates an index, a key or a slice.
func (r *runtime) item(f *frame, e item) (any, error) {
	of, err := r.value(f, e.of)
	if err != nil {
		return nil, err
	}
	if u, ok := of.(undefined); ok {
		return nil, u.err()
	}
	if s, ok := e.index.(slice); ok {
		return r.slice(f, of, s)
	}
	index, err := r.value(f, e.index)
	if err != nil {
		return nil, err
	}
	return itemOf(of, index)
}

func itemOf(of, index any) (any, error) {
	if _, get, ok := python.Mapping(of); ok {
		if value, ok := get(index); ok {
			return value, nil
		}
	}
	if i, ok := index.(int); ok {
		items, ok := elements(of)
		if i < 0 {
			i += len(items)
		}
		if ok && i >= 0 && i < len(items) {
			return items[i], nil
		}
	}
	if name, ok := index.(string); ok {
		if value, ok := method(of, name); ok {
			return value, nil
		}
		return undefined{"'" + typeName(of) + " object' has no attribute " + python.Repr(name)}, nil
	}
	return undefined{typeName(of) + " object has no element " + python.Repr(index)}, nil
}

// elements returns the items of a list or a tuple, or the characters of a text. It reports false for other values.
func elements(of any) ([]any, bool) {
	text, isText := of.(string)
	if !isText {
		return python.Items(of)
	}
	var all []any
	for _, c := range text {
		all = append(all, string(c))
	}
	return all, true
}

func attributeOf(of any, name string) (any, error) {
	if u, ok := of.(undefined); ok {
		return nil, u.err()
	}
	if value, ok := method(of, name); ok {
		return value, nil
	}
	if _, get, ok := python.Mapping(of); ok {
		if value, ok := get(name); ok {
			return value, nil
		}
	}
	return undefined{"'" + typeName(of) + " object' has no attribute " + python.Repr(name)}, nil
}

func (r *runtime) slice(f *frame, of any, s slice) (any, error) {
	bounds := [3]*int{}
	for i, e := range []expression{s.from, s.to, s.step} {
		if e == nil {
			continue
		}
		value, err := r.value(f, e)
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		n, ok := value.(int)
		if !ok {
			return nil, errorf("TypeError", "slice indices must be integers or None or have an __index__ method")
		}
		bounds[i] = &n
	}
	items, ok := elements(of)
	if !ok {
		return undefined{typeName(of) + " object cannot be sliced"}, nil
	}
	part, err := cut(items, bounds)
	_, isText := of.(string)
	switch {
	case err != nil:
		return nil, err
	case isText:
		var b strings.Builder
		for _, c := range part {
			b.WriteString(python.Str(c))
		}
		return b.String(), nil
	}
	if _, ok := of.(python.Tuple); ok {
		return python.Tuple(part), nil
	}
	return &python.List{Items: part}, nil
}

func cut(items []any, bounds [3]*int) ([]any, error) {
	step, n := 1, len(items)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		return nil, errorf("ValueError", "slice step cannot be zero")
	}
	step = min(max(step, -n-1), n+1)
	low, high := 0, n
	if step < 0 {
		low, high = -1, n-1
	}
	clamp := func(bound *int, otherwise int) int {
		if bound == nil {
			return otherwise
		}
		i := *bound
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	from, to := clamp(bounds[0], low), clamp(bounds[1], high)
	if step < 0 {
		from, to = clamp(bounds[0], high), clamp(bounds[1], low)
	}
	part := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		part = append(part, items[i])
	}
	return part, nil
}
