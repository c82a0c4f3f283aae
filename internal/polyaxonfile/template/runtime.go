package template

// frame holds the variables of a block.
type frame struct {
	parent    *frame
	variables map[string]any
	readOnly  bool
}

func (f *frame) set(name string, value any) {
	if f.variables == nil {
		f.variables = map[string]any{}
	}
	f.variables[name] = value
}

// runtime is the state of one rendering.
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

// captured renders a body to a text, and applies filters to the text.
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

// assign assigns a value to a name or to an attribute of a namespace, or its elements to
// several targets.
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
