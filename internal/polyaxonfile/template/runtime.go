package template

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// undefined is the value of a name that nothing defines: empty, and an error once
// something is asked of it.
type undefined struct{ what string }

func (u undefined) err() error { return errorf("UndefinedError", "%s", u.what) }

// function is a value that can be called.
type function func(r *runtime, args values) (any, error)

// values are the arguments of a call, evaluated.
type values struct {
	positional []any
	named      map[string]any
}

// get gives the nth argument, by position or name, or the default value.
func (v values) get(n int, name string, otherwise any) any {
	if n < len(v.positional) {
		return v.positional[n]
	}
	if value, ok := v.named[name]; ok {
		return value
	}
	return otherwise
}

// namespace is what namespace() gives: attributes that set can change.
type namespace map[string]any

// buffer is a text that is being written, within bounds.
type buffer struct{ strings.Builder }

func (b *buffer) add(text string) error {
	if b.Len()+len(text) > maxText {
		return errorf("OverflowError", "a template's text grows beyond 1 MiB")
	}
	b.WriteString(text)
	return nil
}

// frame is the names of a block.
type frame struct {
	parent    *frame
	variables map[string]any
	readOnly  bool
}

func (f *frame) get(name string) (any, bool) {
	for ; f != nil; f = f.parent {
		if value, ok := f.variables[name]; ok {
			return value, true
		}
	}
	return nil, false
}

func (f *frame) set(name string, value any) {
	if f.variables == nil {
		f.variables = map[string]any{}
	}
	f.variables[name] = value
}

// runtime is one rendering.
type runtime struct {
	steps int
	depth int
}

func (r *runtime) step() error {
	if r.steps--; r.steps < 0 {
		return errorf("RuntimeError", "the template takes too many steps: it may never end")
	}
	return nil
}

func (r *runtime) enter() error {
	if r.depth++; r.depth > maxDepth {
		return errorf("RecursionError", "the template is nested too deeply, or calls itself without end")
	}
	return r.step()
}

// body renders nodes.
func (r *runtime) body(f *frame, body []node, out *buffer) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	for _, n := range body {
		if err := r.node(f, n, out); err != nil {
			return err
		}
	}
	return nil
}

func (r *runtime) node(f *frame, n node, out *buffer) error {
	if err := r.step(); err != nil {
		return err
	}
	switch n := n.(type) {
	case textNode:
		return out.add(n.text)
	case printNode:
		value, err := r.value(f, n.value)
		if err != nil {
			return err
		}
		return out.add(text(value))
	case ifNode:
		for _, b := range n.branches {
			if b.condition != nil {
				value, err := r.value(f, b.condition)
				if err != nil {
					return err
				}
				if !truth(value) {
					continue
				}
			}
			return r.body(f, b.body, out)
		}
		return nil
	case forNode:
		over, err := r.value(f, n.over)
		if err != nil {
			return err
		}
		return r.loop(f, n, over, 0, out)
	case setNode:
		return r.set(f, n)
	case withNode:
		inner := &frame{parent: f}
		for i, t := range n.names {
			value, err := r.value(f, n.values[i])
			if err != nil {
				return err
			}
			inner.set(t.name, value)
		}
		return r.body(inner, n.body, out)
	case filterNode:
		value, err := r.captured(&frame{parent: f}, n.body, n.filters)
		if err != nil {
			return err
		}
		return out.add(text(value))
	case macroNode:
		f.set(n.name, r.macro(f, n))
	case callNode:
		of := n.of
		of.args.names = append(of.args.names[:len(of.args.names):len(of.args.names)], "caller")
		of.args.named = append(of.args.named[:len(of.args.named):len(of.args.named)], constant{r.macro(f, n.body)})
		value, err := r.value(f, of)
		if err != nil {
			return err
		}
		return out.add(text(value))
	}
	return nil
}

func (r *runtime) set(f *frame, n setNode) error {
	var value any
	var err error
	if n.value != nil {
		value, err = r.value(f, n.value)
	} else {
		value, err = r.captured(&frame{parent: f}, n.body, n.filters)
	}
	if err != nil {
		return err
	}
	return r.assign(f, n.targets, value)
}

// captured renders a body to a text, and puts it through filters.
func (r *runtime) captured(f *frame, body []node, filters []call) (any, error) {
	var out buffer
	if err := r.body(f, body, &out); err != nil {
		return nil, err
	}
	var value any = out.String()
	for _, c := range filters {
		args, err := r.arguments(f, c.args)
		if err != nil {
			return nil, err
		}
		if value, err = r.filter(c.name, value, args); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// assign gives a value to a name, an attribute of a namespace, or its elements to
// several.
func (r *runtime) assign(f *frame, t target, value any) error {
	if t.several != nil {
		items, err := r.iterate(value)
		if err != nil {
			return err
		}
		if len(items) != len(t.several) {
			return errorf("ValueError", "%d values for %d names", len(items), len(t.several))
		}
		for i, each := range t.several {
			if err := r.assign(f, each, items[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if t.attribute == "" {
		f.set(t.name, value)
		return nil
	}
	found, _ := f.get(t.name)
	n, ok := found.(namespace)
	if !ok {
		return errorf("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
	}
	n[t.attribute] = value
	return nil
}

// loop renders a for. over is its value, and level how deep a recursive one is.
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

// loopState is the variable loop.
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

// macro makes a function of a macro.
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

// text prints a value.
func text(value any) string {
	switch x := value.(type) {
	case undefined:
		return ""
	case function:
		return "<function>"
	case *loopState:
		return "<LoopContext>"
	case namespace:
		return "<Namespace " + python.Repr(map[string]any(x)) + ">"
	}
	return python.Str(value)
}

func truth(value any) bool {
	if _, ok := value.(undefined); ok {
		return false
	}
	return python.Truth(value)
}

// iterate gives the elements of a value: of a text its characters, of a mapping its
// keys, of nothing none.
func (r *runtime) iterate(value any) ([]any, error) {
	if items, ok := python.Items(value); ok {
		return items, nil
	}
	if keys, _, ok := python.Mapping(value); ok {
		return keys, nil
	}
	switch x := value.(type) {
	case undefined:
		return nil, nil
	case string:
		if len(x) > maxItems {
			return nil, errorf("OverflowError", "a list of more than %d elements", maxItems)
		}
		var items []any
		for _, c := range x {
			items = append(items, string(c))
		}
		return items, nil
	}
	return nil, errorf("TypeError", "'%s' object is not iterable", typeName(value))
}

// typeName is Python's name of a value's type.
func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case python.Tuple:
		return "tuple"
	case undefined:
		return "Undefined"
	case function:
		return "function"
	}
	if _, ok := python.Items(value); ok {
		return "list"
	}
	if _, _, ok := python.Mapping(value); ok {
		return "dict"
	}
	return "object"
}
