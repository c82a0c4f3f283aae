package template

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// loop renders a for loop over a value. level is the depth of a recursive loop, from 0.
func (r *runtime) loop(f *frame, n forNode, over any, level int, out *buffer) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	items, err := r.iterate(over)
	if err != nil {
		return err
	}
	if n.condition != nil {
		kept := []any{}
		for _, item := range items {
			inner := &frame{parent: f}
			if err := r.assign(inner, n.targets, item); err != nil {
				return err
			}
			value, err := r.value(inner, n.condition)
			if err != nil {
				return err
			}
			if truth(value) {
				kept = append(kept, item)
			}
		}
		items = kept
	}
	if len(items) == 0 {
		return r.body(&frame{parent: f}, n.otherwise, out)
	}
	l := &loopState{items: items, level: level}
	if n.recursive {
		l.again = func(r *runtime, args values) (any, error) {
			var inner buffer
			err := r.loop(f, n, args.get(0, "iterable", nil), level+1, &inner)
			return inner.String(), err
		}
	}
	for i, item := range items {
		inner := &frame{parent: f}
		l.index = i
		inner.set("loop", l)
		if err := r.assign(inner, n.targets, item); err != nil {
			return err
		}
		if err := r.body(inner, n.body, out); err != nil {
			return err
		}
	}
	return nil
}

// loopState is the value of the variable loop.
type loopState struct {
	items        []any
	index, level int
	changed      any
	again        function
}

func (l *loopState) attribute(name string) (any, bool) {
	last := len(l.items) - 1
	switch name {
	case "index":
		return l.index + 1, true
	case "index0":
		return l.index, true
	case "revindex":
		return last - l.index + 1, true
	case "revindex0":
		return last - l.index, true
	case "first":
		return l.index == 0, true
	case "last":
		return l.index == last, true
	case "length":
		return len(l.items), true
	case "depth":
		return l.level + 1, true
	case "depth0":
		return l.level, true
	case "previtem":
		if l.index == 0 {
			return undefined{"there is no previous item"}, true
		}
		return l.items[l.index-1], true
	case "nextitem":
		if l.index == last {
			return undefined{"there is no next item"}, true
		}
		return l.items[l.index+1], true
	case "cycle":
		index := l.index
		return function(func(_ *runtime, args values) (any, error) {
			if len(args.positional) == 0 {
				return nil, errorf("TypeError", "no items for cycling given")
			}
			return args.positional[index%len(args.positional)], nil
		}), true
	case "changed":
		return function(func(_ *runtime, args values) (any, error) {
			now := python.Tuple(args.positional)
			before, called := l.changed.(python.Tuple)
			l.changed = now
			return !called || !python.Equal(before, now), nil
		}), true
	}
	return nil, false
}

// macro returns a macro as a function.
func (r *runtime) macro(f *frame, n macroNode) function {
	return func(r *runtime, args values) (any, error) {
		inner := &frame{parent: f}
		required := len(n.names) - len(n.defaults)
		for i, name := range n.names {
			value := args.get(i, name, nil)
			if _, named := args.named[name]; i >= len(args.positional) && !named {
				value = any(undefined{"parameter " + python.Repr(name) + " was not provided"})
				if i >= required {
					var err error
					if value, err = r.value(inner, n.defaults[i-required]); err != nil {
						return nil, err
					}
				}
			}
			inner.set(name, value)
		}
		if caller, ok := args.named["caller"]; ok {
			inner.set("caller", caller)
		}
		if len(args.positional) > len(n.names) {
			inner.set("varargs", python.Tuple(args.positional[len(n.names):]))
		}
		var out buffer
		err := r.body(inner, n.body, &out)
		return out.String(), err
	}
}
