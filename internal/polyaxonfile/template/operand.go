package template

func (p *parser) primary() (expression, error) {
	p.last = -1
	t := p.peek()
	switch t.kind {
	case name:
		switch t.text {
		case "true", "false", "True", "False":
			p.next()
			return constant{t.text == "true" || t.text == "True"}, nil
		case "none", "None":
			p.next()
			return constant{nil}, nil
		}
		p.next()
		if !p.defined(t.text) {
			p.last = len(p.names)
			p.names = append(p.names, Name{Path: []string{t.text}, Line: t.line})
		}
		return reference{t.text}, nil
	case literal:
		p.next()
		text, isText := t.value.(string)
		for isText && p.peek().kind == literal {
			more, ok := p.peek().value.(string)
			if !ok {
				break
			}
			p.next()
			text += more
		}
		if isText {
			return constant{text}, nil
		}
		return constant{t.value}, nil
	case operator:
		switch t.text {
		case "(":
			p.next()
			if _, ok := p.take(operator, ")"); ok {
				return list{tuple: true}, nil
			}
			value, err := p.tuple()
			if err == nil {
				err = p.expect(operator, ")")
			}
			return value, err
		case "[":
			p.next()
			items, err := p.items("]")
			p.last = -1
			return list{items: items}, err
		case "{":
			p.next()
			d, err := p.dict()
			p.last = -1
			return d, err
		}
	}
	return nil, p.unexpected()
}

// items parses values up to a closing bracket.
func (p *parser) items(closing string) ([]expression, error) {
	var all []expression
	for {
		if _, ok := p.take(operator, closing); ok {
			return all, nil
		}
		if len(all) > 0 {
			if err := p.expect(operator, ","); err != nil {
				return nil, err
			}
			if _, ok := p.take(operator, closing); ok {
				return all, nil
			}
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
}

func (p *parser) dict() (expression, error) {
	var d dict
	for {
		if _, ok := p.take(operator, "}"); ok {
			return d, nil
		}
		if len(d.keys) > 0 {
			if err := p.expect(operator, ","); err != nil {
				return nil, err
			}
			if _, ok := p.take(operator, "}"); ok {
				return d, nil
			}
		}
		key, err := p.expression()
		if err == nil {
			err = p.expect(operator, ":")
		}
		if err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key), append(d.values, value)
	}
}

// postfix parses what may follow a value: attributes, indexes and calls.
func (p *parser) postfix(value expression) (expression, error) {
	for {
		last := p.last
		switch o, _ := p.take(operator, ".", "[", "("); o {
		case ".":
			t := p.next()
			if t.kind == literal {
				if index, ok := t.value.(int); ok {
					value, p.last = item{value, constant{index}}, -1
					continue
				}
			}
			if t.kind != name {
				p.pos--
				return nil, p.fail("expected name or number")
			}
			value = attribute{value, t.text}
			if last >= 0 {
				p.names[last].Path = append(p.names[last].Path, t.text)
			}
		case "[":
			index, err := p.subscript()
			if err != nil {
				return nil, err
			}
			p.last = -1
			if c, ok := index.(constant); ok && last >= 0 {
				if text, ok := c.value.(string); ok {
					p.names[last].Path = append(p.names[last].Path, text)
					p.last = last
				}
			}
			value = item{value, index}
		case "(":
			args, err := p.arguments()
			if err != nil {
				return nil, err
			}
			value, p.last = invocation{value, args}, -1
		default:
			return value, nil
		}
	}
}

// subscript parses an index or a slice, including the closing bracket.
func (p *parser) subscript() (expression, error) {
	var parts [3]expression
	n := 0
	for {
		if !p.at(operator, ":", "]", ",") {
			value, err := p.expression()
			if err != nil {
				return nil, err
			}
			parts[n] = value
		}
		if _, ok := p.take(operator, ":"); ok {
			if n++; n > 2 {
				return nil, p.unexpected()
			}
			continue
		}
		if err := p.expect(operator, "]"); err != nil {
			return nil, err
		}
		if n > 0 {
			return slice{parts[0], parts[1], parts[2]}, nil
		}
		if parts[0] == nil {
			return nil, p.fail("expected subscript expression")
		}
		return parts[0], nil
	}
}

// arguments parses the arguments of a call, after the opening parenthesis.
func (p *parser) arguments() (arguments, error) {
	var a arguments
	for first := true; ; first = false {
		if _, ok := p.take(operator, ")"); ok {
			return a, nil
		}
		if !first {
			if err := p.expect(operator, ","); err != nil {
				return a, err
			}
			if _, ok := p.take(operator, ")"); ok {
				return a, nil
			}
		}
		star, starred := p.take(operator, "*", "**")
		if !starred && p.at(name, "") && p.tokens[p.pos+1].kind == operator && p.tokens[p.pos+1].text == "=" {
			n := p.next().text
			p.next()
			value, err := p.expression()
			if err != nil {
				return a, err
			}
			a.names, a.named = append(a.names, n), append(a.named, value)
			continue
		}
		value, err := p.expression()
		if err != nil {
			return a, err
		}
		switch {
		case star == "*":
			a.star = value
		case star == "**":
			a.doubleStar = value
		case len(a.names) > 0 || a.doubleStar != nil:
			return a, p.fail("invalid syntax for function call expression")
		default:
			a.positional = append(a.positional, value)
		}
	}
}

// filterAndTest parses filters after |, tests after is, and calls of their results.
func (p *parser) filterAndTest(value expression) (expression, error) {
	for {
		last := p.last
		switch {
		case p.at(operator, "|"):
			p.next()
			c, err := p.filter()
			if err != nil {
				return nil, err
			}
			if last >= 0 && (c.name == "default" || c.name == "d") {
				p.names[last].Tolerated = true
			}
			value, p.last = filtered{value, c}, -1
		case p.at(name, "is"):
			p.next()
			_, negated := p.take(name, "not")
			c, err := p.test()
			if err != nil {
				return nil, err
			}
			if last >= 0 && (c.name == "defined" || c.name == "undefined") {
				p.names[last].Tolerated = true
			}
			value, p.last = tested{value, c, negated}, -1
		case p.at(operator, "("):
			p.next()
			args, err := p.arguments()
			if err != nil {
				return nil, err
			}
			value, p.last = invocation{value, args}, -1
		default:
			return value, nil
		}
	}
}

// dotted parses the name of a filter or a test.
func (p *parser) dotted() (string, error) {
	word, ok := p.take(name, "")
	if !ok {
		return "", p.expect(name, "")
	}
	for {
		if _, ok := p.take(operator, "."); !ok {
			return word, nil
		}
		part, ok := p.take(name, "")
		if !ok {
			return "", p.expect(name, "")
		}
		word += "." + part
	}
}

func (p *parser) filter() (call, error) {
	word, err := p.dotted()
	c := call{name: word}
	if err != nil {
		return c, err
	}
	if !isFilter(word) {
		return c, unknownName("filter", word)
	}
	if _, ok := p.take(operator, "("); ok {
		c.args, err = p.arguments()
	}
	return c, err
}

// test parses a test. It may have one argument without parentheses: is divisibleby 3.
func (p *parser) test() (call, error) {
	word, err := p.dotted()
	c := call{name: word}
	if err != nil {
		return c, err
	}
	if !isTest(word) {
		return c, unknownName("test", word)
	}
	if _, ok := p.take(operator, "("); ok {
		c.args, err = p.arguments()
		return c, err
	}
	bare := p.at(literal, "") || p.at(operator, "[", "{") || p.at(name, "") && !p.at(name, "else", "or", "and", "if", "in", "is", "not", "recursive")
	if bare {
		argument, err := p.primary()
		if err == nil {
			argument, err = p.postfix(argument)
		}
		c.args.positional = []expression{argument}
		return c, err
	}
	return c, nil
}
