package template

import (
	"sort"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// global returns a function that is available in every template.
func global(name string) (any, bool) {
	switch name {
	case "range":
		return function(rangeOf), true
	case "dict":
		return function(func(_ *runtime, args values) (any, error) {
			d := &python.Dict{}
			updateDict(d, args)
			return d, nil
		}), true
	case "namespace":
		return function(func(_ *runtime, args values) (any, error) {
			n := namespace{}
			if keys, get, ok := python.Mapping(args.get(0, "", nil)); ok {
				for _, key := range keys {
					n[python.Str(key)], _ = get(key)
				}
			}
			for key, value := range args.named {
				n[key] = value
			}
			return n, nil
		}), true
	case "joiner":
		return function(func(_ *runtime, args values) (any, error) {
			separator, used := args.get(0, "sep", ", "), false
			return function(func(*runtime, values) (any, error) {
				if !used {
					used = true
					return "", nil
				}
				return separator, nil
			}), nil
		}), true
	case "cycler":
		return function(func(_ *runtime, args values) (any, error) {
			if len(args.positional) == 0 {
				return nil, errorf("RuntimeError", "at least one item has to be provided")
			}
			return &cycler{items: args.positional}, nil
		}), true
	}
	return nil, false
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for key := range m {
		names = append(names, key)
	}
	sort.Strings(names)
	return names
}

// cycler returns its items in turn.
type cycler struct {
	items []any
	at    int
}

func rangeOf(_ *runtime, args values) (any, error) {
	var bounds []int
	for _, value := range args.positional {
		n, ok := value.(int)
		if !ok {
			return nil, errorf("TypeError", "'%s' object cannot be interpreted as an integer", typeName(value))
		}
		bounds = append(bounds, n)
	}
	from, to, step := 0, 0, 1
	switch len(bounds) {
	case 1:
		to = bounds[0]
	case 2:
		from, to = bounds[0], bounds[1]
	case 3:
		from, to, step = bounds[0], bounds[1], bounds[2]
	default:
		return nil, errorf("TypeError", "range expected 1 to 3 arguments, got %d", len(bounds))
	}
	if step == 0 {
		return nil, errorf("ValueError", "range() arg 3 must not be zero")
	}
	items := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if len(items) == maxItems {
			return nil, errorf("OverflowError", "Range too big. A template's ranges are at most %d long.", maxItems)
		}
		items = append(items, i)
		if next := i + step; (next > i) != (step > 0) {
			break
		}
	}
	return items, nil
}
