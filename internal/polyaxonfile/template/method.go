package template

import (
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// method returns an attribute or a method of a value, as Python has it.
func method(of any, name string) (any, bool) {
	switch x := of.(type) {
	case string:
		if m, ok := textMethods()[name]; ok {
			return function(func(r *runtime, args values) (any, error) { return m(r, x, args) }), true
		}
		return nil, false
	case *loopState:
		return x.attribute(name)
	case namespace:
		value, ok := x[name]
		return value, ok
	case *cycler:
		switch name {
		case "current":
			return x.items[x.at], true
		case "next", "reset":
			return function(func(*runtime, values) (any, error) {
				if name == "reset" {
					x.at = 0
					return nil, nil
				}
				value := x.items[x.at]
				x.at = (x.at + 1) % len(x.items)
				return value, nil
			}), true
		}
		return nil, false
	case time.Time:
		return timeAttribute(x, name)
	}
	if _, ok := python.Items(of); ok {
		return listMethod(of, name)
	}
	if keys, get, ok := python.Mapping(of); ok {
		return dictMethod(of, keys, get, name)
	}
	return nil, false
}

func dictMethod(of any, keys []any, get func(any) (any, bool), name string) (any, bool) {
	var f function
	switch name {
	case "keys":
		f = func(*runtime, values) (any, error) { return append([]any{}, keys...), nil }
	case "values", "items":
		f = func(*runtime, values) (any, error) {
			all := make([]any, len(keys))
			for i, key := range keys {
				value, _ := get(key)
				if all[i] = value; name == "items" {
					all[i] = python.Tuple{key, value}
				}
			}
			return all, nil
		}
	case "get":
		f = func(_ *runtime, args values) (any, error) {
			if value, ok := get(args.get(0, "key", nil)); ok {
				return value, nil
			}
			return args.get(1, "default", nil), nil
		}
	case "copy":
		f = func(*runtime, values) (any, error) {
			d := &python.Dict{}
			for _, key := range keys {
				value, _ := get(key)
				d.Set(key, value)
			}
			return d, nil
		}
	case "update", "setdefault":
		d, ok := of.(*python.Dict)
		if !ok {
			return nil, false
		}
		f = func(_ *runtime, args values) (any, error) {
			if name == "setdefault" {
				key := args.get(0, "key", nil)
				if value, ok := d.Get(key); ok {
					return value, nil
				}
				d.Set(key, args.get(1, "default", nil))
				return args.get(1, "default", nil), nil
			}
			updateDict(d, args)
			return nil, nil
		}
	default:
		return nil, false
	}
	return f, true
}

func listMethod(of any, name string) (any, bool) {
	items, _ := python.Items(of)
	l, changeable := of.(*python.List)
	var f function
	switch name {
	case "index", "count":
		f = func(_ *runtime, args values) (any, error) {
			n := 0
			for i, item := range items {
				if !equal(item, args.get(0, "value", nil)) {
					continue
				}
				if n++; name == "index" {
					return i, nil
				}
			}
			if name == "index" {
				return nil, errorf("ValueError", "%s is not in list", python.Repr(args.get(0, "value", nil)))
			}
			return n, nil
		}
	case "copy":
		f = func(*runtime, values) (any, error) { return &python.List{Items: append([]any{}, items...)}, nil }
	case "append", "extend", "insert", "pop", "reverse", "clear":
		if !changeable {
			return nil, false
		}
		f = func(r *runtime, args values) (any, error) { return change(r, l, name, args) }
	default:
		return nil, false
	}
	return f, true
}

func change(r *runtime, l *python.List, name string, args values) (any, error) {
	if len(l.Items) >= maxItems {
		return nil, errorf("OverflowError", "a list of more than %d elements", maxItems)
	}
	switch name {
	case "append":
		l.Items = append(l.Items, args.get(0, "object", nil))
	case "extend":
		more, err := r.iterate(args.get(0, "iterable", nil))
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, more...)
	case "insert":
		at, _ := args.get(0, "index", 0).(int)
		if at < 0 {
			at += len(l.Items)
		}
		at = min(max(at, 0), len(l.Items))
		l.Items = append(l.Items[:at:at], append([]any{args.get(1, "object", nil)}, l.Items[at:]...)...)
	case "pop":
		at, ok := args.get(0, "index", -1).(int)
		if at < 0 {
			at += len(l.Items)
		}
		if !ok || at < 0 || at >= len(l.Items) {
			return nil, errorf("IndexError", "pop index out of range")
		}
		value := l.Items[at]
		l.Items = append(l.Items[:at:at], l.Items[at+1:]...)
		return value, nil
	case "reverse":
		for i, j := 0, len(l.Items)-1; i < j; i, j = i+1, j-1 {
			l.Items[i], l.Items[j] = l.Items[j], l.Items[i]
		}
	case "clear":
		l.Items = nil
	}
	return nil, nil
}

// updateDict sets the keys of the first argument, and those of the named ones, as dict.update
// does.
func updateDict(d *python.Dict, args values) {
	if keys, get, ok := python.Mapping(args.get(0, "", nil)); ok {
		for _, key := range keys {
			value, _ := get(key)
			d.Set(key, value)
		}
	}
	for _, key := range sortedNames(args.named) {
		d.Set(key, args.named[key])
	}
}
