package template

// tuple parses an expression, or several expressions separated by commas.
func (p *parser) tuple() (expression, error) { return p.tupleWithout(true) }

// tupleWithout parses a tuple. conditionals says whether its parts may be conditional
// expressions.
func (p *parser) tupleWithout(conditionals bool) (expression, error) {
	parse := p.or
	if conditionals {
		parse = p.expression
	}
	first, err := parse()
	if err != nil || !p.at(operator, ",") {
		return first, err
	}
	l := list{items: []expression{first}, tuple: true}
	for {
		if _, ok := p.take(operator, ","); !ok {
			break
		}
		if p.at(end, "") || p.at(tagEnd, "") || p.at(operator, ")") || p.at(name, "in") || p.at(endOfFile, "") {
			break
		}
		value, err := parse()
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, value)
	}
	p.last = -1
	return l, nil
}

// expression parses a conditional expression: a if b else c.
func (p *parser) expression() (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	value, err := p.or()
	for err == nil {
		if _, ok := p.take(name, "if"); !ok {
			break
		}
		c := conditional{then: value}
		if c.condition, err = p.or(); err != nil {
			break
		}
		if _, ok := p.take(name, "else"); ok {
			if c.otherwise, err = p.expression(); err != nil {
				break
			}
		}
		p.last = -1
		value = c
	}
	return value, err
}

// chain parses left-associative operators of the same precedence.
func (p *parser) chain(k kind, operators []string, next func() (expression, error)) (expression, error) {
	left, err := next()
	for err == nil {
		o, ok := p.take(k, operators...)
		if !ok {
			break
		}
		p.operand(k)
		var right expression
		if right, err = next(); err == nil {
			left = binary{o, left, right}
			p.operand(k)
		}
		p.last = -1
	}
	return left, err
}

// operand marks the name that was just parsed as an operand, if k is the kind of the signs of
// arithmetic. The operators and and or are words, and accept undefined names.
func (p *parser) operand(k kind) {
	if k == operator && p.last >= 0 {
		p.names[p.last].Operand = true
	}
}

func (p *parser) or() (expression, error)  { return p.chain(name, []string{"or"}, p.and) }
func (p *parser) and() (expression, error) { return p.chain(name, []string{"and"}, p.not) }

func (p *parser) not() (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if _, ok := p.take(name, "not"); ok {
		value, err := p.not()
		p.last = -1
		return unary{"not", value}, err
	}
	return p.compare()
}

func (p *parser) compare() (expression, error) {
	first, err := p.sum()
	c := comparison{first: first}
	for err == nil {
		o, ok := p.take(operator, "==", "!=", "<=", ">=", "<", ">")
		if !ok {
			if o, ok = p.take(name, "in"); !ok && p.at(name, "not") && p.tokens[p.pos+1].text == "in" {
				p.next()
				p.next()
				o, ok = "not in", true
			}
		}
		if !ok {
			break
		}
		var other expression
		if other, err = p.sum(); err == nil {
			c.operators, c.others = append(c.operators, o), append(c.others, other)
		}
		p.last = -1
	}
	if len(c.others) == 0 {
		return first, err
	}
	return c, err
}

func (p *parser) sum() (expression, error) { return p.chain(operator, []string{"+", "-"}, p.concat) }

func (p *parser) concat() (expression, error) {
	first, err := p.product()
	if err != nil || !p.at(operator, "~") {
		return first, err
	}
	c := concat{[]expression{first}}
	for {
		if _, ok := p.take(operator, "~"); !ok {
			p.last = -1
			return c, nil
		}
		part, err := p.product()
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, part)
	}
}

func (p *parser) product() (expression, error) {
	return p.chain(operator, []string{"*", "/", "//", "%"}, p.power)
}

func (p *parser) power() (expression, error) {
	return p.chain(operator, []string{"**"}, func() (expression, error) { return p.unary(true) })
}

func (p *parser) unary(withFilters bool) (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var value expression
	var err error
	if o, ok := p.take(operator, "-", "+"); ok {
		if value, err = p.unary(false); err == nil {
			value = unary{o, value}
		}
		p.last = -1
	} else {
		value, err = p.primary()
	}
	if err == nil {
		value, err = p.postfix(value)
	}
	if err == nil && withFilters {
		value, err = p.filterAndTest(value)
	}
	return value, err
}
