package template

func (p *parser) ifTag() ([]node, error) {
	var n ifNode
	for {
		condition, err := p.tupleWithout(true)
		if err != nil {
			return nil, err
		}
		if err := p.expect(tagEnd, "%}"); err != nil {
			return nil, err
		}
		body, err := p.body("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		n.branches = append(n.branches, branch{condition, body})
		p.next()
		switch p.next().text {
		case "elif":
			continue
		case "else":
			if err := p.expect(tagEnd, "%}"); err != nil {
				return nil, err
			}
			if body, err = p.body("endif"); err != nil {
				return nil, err
			}
			n.branches = append(n.branches, branch{nil, body})
			p.next()
			p.next()
		}
		return []node{n}, p.expect(tagEnd, "%}")
	}
}

func (p *parser) forTag() ([]node, error) {
	var n forNode
	var err error
	if n.targets, err = p.targets(); err != nil {
		return nil, err
	}
	if err := p.expect(name, "in"); err != nil {
		return nil, err
	}
	if n.over, err = p.tupleWithout(false); err != nil {
		return nil, err
	}
	err = p.scoped(func() error {
		p.defineTarget(n.targets)
		p.define("loop")
		if _, ok := p.take(name, "if"); ok {
			if n.condition, err = p.expression(); err != nil {
				return err
			}
		}
		_, n.recursive = p.take(name, "recursive")
		if err := p.expect(tagEnd, "%}"); err != nil {
			return err
		}
		n.body, err = p.body("else", "endfor")
		return err
	})
	if err != nil {
		return nil, err
	}
	p.next()
	if p.next().text == "else" {
		if n.otherwise, err = p.block("endfor"); err != nil {
			return nil, err
		}
		return []node{n}, nil
	}
	return []node{n}, p.expect(tagEnd, "%}")
}

// targets parses the targets of an assignment: a, or a, b, or (a, b), or ns.a.
func (p *parser) targets() (target, error) {
	var all []target
	several := false
	for {
		var t target
		if _, ok := p.take(operator, "("); ok {
			inner, err := p.targets()
			if err == nil {
				err = p.expect(operator, ")")
			}
			if err != nil {
				return target{}, err
			}
			t = inner
		} else {
			n, ok := p.take(name, "")
			if !ok {
				return target{}, p.fail("expected token 'name', got '%s'", p.peek().text)
			}
			switch n {
			case "true", "false", "none", "True", "False", "None":
				return target{}, p.fail("can't assign to '%s'", n)
			}
			t.name = n
			if _, ok := p.take(operator, "."); ok {
				if t.attribute, ok = p.take(name, ""); !ok {
					return target{}, p.fail("expected token 'name', got '%s'", p.peek().text)
				}
			}
		}
		all = append(all, t)
		if _, ok := p.take(operator, ","); !ok {
			break
		}
		several = true
		if !p.at(name, "") && !p.at(operator, "(") || p.at(name, "in") {
			break
		}
	}
	if !several {
		return all[0], nil
	}
	return target{several: all}, nil
}

func (p *parser) defineTarget(t target) {
	if t.name != "" && t.attribute == "" {
		p.define(t.name)
	}
	for _, each := range t.several {
		p.defineTarget(each)
	}
}

func (p *parser) setTag() ([]node, error) {
	var n setNode
	var err error
	if n.targets, err = p.targets(); err != nil {
		return nil, err
	}
	if _, ok := p.take(operator, "="); ok {
		if n.value, err = p.tuple(); err != nil {
			return nil, err
		}
		p.defineTarget(n.targets)
		return []node{n}, p.expect(tagEnd, "%}")
	}
	if _, ok := p.take(operator, "|"); ok {
		if n.filters, err = p.filters(); err != nil {
			return nil, err
		}
	}
	n.body, err = p.block("endset")
	p.defineTarget(n.targets)
	return []node{n}, err
}

func (p *parser) withTag() ([]node, error) {
	var n withNode
	err := p.scoped(func() error {
		for !p.at(tagEnd, "") {
			if len(n.names) > 0 {
				if err := p.expect(operator, ","); err != nil {
					return err
				}
			}
			t, ok := p.take(name, "")
			if !ok {
				return p.unexpected()
			}
			if err := p.expect(operator, "="); err != nil {
				return err
			}
			value, err := p.expression()
			if err != nil {
				return err
			}
			n.names = append(n.names, target{name: t})
			n.values = append(n.values, value)
		}
		for _, t := range n.names {
			p.defineTarget(t)
		}
		var err error
		n.body, err = p.block("endwith")
		return err
	})
	return []node{n}, err
}

func (p *parser) macroTag() ([]node, error) {
	var n macroNode
	var ok bool
	if n.name, ok = p.take(name, ""); !ok {
		return nil, p.unexpected()
	}
	p.define(n.name)
	if err := p.expect(operator, "("); err != nil {
		return nil, err
	}
	err := p.signature(&n, "endmacro")
	if err != nil {
		return nil, err
	}
	p.next()
	p.next()
	p.take(name, n.name)
	return []node{n}, p.expect(tagEnd, "%}")
}

// callTag parses the call of a macro with a body. The macro can call the body as caller.
func (p *parser) callTag() ([]node, error) {
	n := callNode{body: macroNode{name: "caller"}}
	if _, ok := p.take(operator, "("); ok {
		// The parameters of the body stand before the call of the macro.
		names, defaults, err := p.parameters()
		if err != nil {
			return nil, err
		}
		n.body.names, n.body.defaults = names, defaults
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	var ok bool
	if n.of, ok = e.(invocation); !ok {
		return nil, p.fail("expected call")
	}
	err = p.scoped(func() error {
		for _, parameter := range n.body.names {
			p.define(parameter)
		}
		if err := p.expect(tagEnd, "%}"); err != nil {
			return err
		}
		var err error
		n.body.body, err = p.body("endcall")
		return err
	})
	if err != nil {
		return nil, err
	}
	return []node{n}, p.close()
}

// signature parses the parameters and the body of a macro, up to its end tag.
func (p *parser) signature(n *macroNode, ending string) error {
	return p.scoped(func() error {
		for _, implied := range []string{"varargs", "kwargs", "caller"} {
			p.define(implied)
		}
		var err error
		if n.names, n.defaults, err = p.parameters(); err != nil {
			return err
		}
		if err := p.expect(tagEnd, "%}"); err != nil {
			return err
		}
		n.body, err = p.body(ending)
		return err
	})
}

// parameters parses names with optional defaults, after the opening parenthesis.
func (p *parser) parameters() (names []string, defaults []expression, err error) {
	for !p.at(operator, ")") {
		if len(names) > 0 {
			if err := p.expect(operator, ","); err != nil {
				return nil, nil, err
			}
		}
		parameter, ok := p.take(name, "")
		if !ok {
			return nil, nil, p.unexpected()
		}
		names = append(names, parameter)
		p.define(parameter)
		if _, ok := p.take(operator, "="); ok {
			value, err := p.expression()
			if err != nil {
				return nil, nil, err
			}
			defaults = append(defaults, value)
		} else if len(defaults) > 0 {
			return nil, nil, p.fail("non-default argument follows default argument")
		}
	}
	p.next()
	return names, defaults, nil
}

// filters parses the names of filters, after the first |.
func (p *parser) filters() ([]call, error) {
	var all []call
	for {
		c, err := p.filter()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		if _, ok := p.take(operator, "|"); !ok {
			return all, nil
		}
	}
}
