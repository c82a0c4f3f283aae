package lint

import "strings"

// scope is the set of names that the templates of a unit may use.
type scope struct {
	names map[string]bool
	// builtin are the names that every template has.
	builtin map[string]bool
	// inputs are the inputs and outputs, by name.
	inputs map[string]input
	// none are the inputs that have no value unless a param is passed.
	none map[string]bool
}

// input is the declaration of an input or an output of a component.
type input struct {
	name, kind string
	value      any
	hasValue   bool
	optional   bool
	delayed    bool
	values     map[string]any
	path       []string
}

// declared returns the inputs or outputs of the unit's component.
func (u unit) declared(section string) []input {
	var all []input
	for i, element := range list(u.component[section]) {
		m, ok := element.(map[string]any)
		if !ok {
			continue
		}
		x := input{values: m, value: m["value"], path: extend(u.path, section, itoa(i))}
		x.name, x.kind = text(m["name"]), text(m["type"])
		x.hasValue = m["value"] != nil
		x.optional, _ = m["isOptional"].(bool)
		x.delayed, _ = m["delayValidation"].(bool)
		if delay, ok := mapping(m["validation"])["delay"].(bool); ok {
			x.delayed = delay
		}
		all = append(all, x)
	}
	return all
}

// scope returns the names that templates of the unit may use.
func (p *pass) scope() *scope {
	if p.cachedScope != nil {
		return p.cachedScope
	}
	s := &scope{names: map[string]bool{}, builtin: map[string]bool{}, inputs: map[string]input{}, none: map[string]bool{}}
	// The names from range on are global functions of Jinja.
	for _, name := range []string{"globals", "params", "connections", "init", "range", "dict", "namespace", "cycler", "joiner", "lipsum"} {
		s.names[name], s.builtin[name] = true, true
	}
	given := p.given()
	for name := range given {
		s.names[name] = true
	}
	for _, section := range []string{"inputs", "outputs", "contexts"} {
		for _, x := range p.declared(section) {
			s.names[x.name], s.inputs[x.name] = true, x
			if section == "inputs" && x.optional && !x.hasValue && !given[x.name] && (p.nested || !contains(p.options.CommonParams, x.name)) {
				s.none[x.name] = true
			}
		}
	}
	p.cachedScope = s
	return s
}

// given returns the names that the unit's operation sets by params, a matrix or joins.
func (u unit) given() map[string]bool {
	names := map[string]bool{}
	for name := range mapping(u.operation["params"]) {
		names[name] = true
	}
	for name := range u.matrixNames() {
		names[name] = true
	}
	if name := text(mapping(mapping(u.operation["matrix"])["resource"])["name"]); name != "" {
		names[name] = true // hyperband sets it to the share of a trial
	}
	for _, join := range list(u.operation["joins"]) {
		for name := range mapping(mapping(join)["params"]) {
			names[name] = true
		}
	}
	return names
}

// matrixNames returns the params of a matrix, with the path of one occurrence of each.
func (u unit) matrixNames() map[string][]string {
	holder, path := u.operation, u.operationPath
	if holder == nil {
		holder, path = u.component, u.path
	}
	matrix := mapping(holder["matrix"])
	names := map[string][]string{}
	for name := range mapping(matrix["params"]) {
		names[name] = extend(path, "matrix", "params", name)
	}
	for i, value := range list(matrix["values"]) {
		for name := range mapping(value) {
			if names[name] == nil {
				names[name] = extend(path, "matrix", "values", itoa(i), name)
			}
		}
	}
	return names
}

// usage is the set of names that a unit's templates and references use.
type usage struct {
	names map[string]bool
	// all means that something uses all inputs together.
	all bool
}

// used returns the names that the unit uses of its inputs.
func (p *pass) used() *usage {
	if p.cachedUsage != nil {
		return p.cachedUsage
	}
	u := &usage{names: map[string]bool{}}
	visit := func(text string, _ []string) {
		if rest, ok := strings.CutPrefix(text, "inputs."); ok { // a param whose ref is dag
			name, _, _ := strings.Cut(rest, ".")
			u.names[name] = true
		}
		read := p.template(text)
		for _, n := range read.names {
			u.use(n.Path)
		}
		u.all = u.all || read.err != nil // it may use any name
	}
	for _, key := range sorted(p.component) {
		if key != "inputs" && key != "outputs" {
			texts(p.component[key], nil, visit)
		}
	}
	for _, key := range sorted(p.operation) {
		if key != "component" {
			texts(p.operation[key], nil, visit)
		}
	}
	u.all = u.all || p.misnamed(u.names)
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			texts(x.values["value"], nil, visit)
			texts(x.values["argFormat"], nil, func(text string, _ []string) {
				for _, n := range p.template(text).names {
					if n.Path[0] != x.name {
						u.use(n.Path)
					}
				}
			})
		}
	}
	p.cachedUsage = u
	return u
}

// misnamed reports whether an operation of the unit's dag refers to an input that the dag
// does not have. It may mean any of the inputs.
func (p *pass) misnamed(used map[string]bool) bool {
	g := p.graph()
	if g == nil {
		return false
	}
	own := p.ownSignature()
	for _, operation := range g.values {
		for _, param := range mapping(operation["params"]) {
			name, ok := strings.CutPrefix(strings.Trim(text(mapping(param)["value"]), "{} "), "inputs.")
			if ok && text(mapping(param)["ref"]) == "dag" && own.inputs[name] == nil {
				return true
			}
			used[name] = used[name] || ok && text(mapping(param)["ref"]) == "dag"
		}
	}
	return false
}

func (u *usage) use(path []string) {
	u.names[path[0]] = true
	switch path[0] {
	case "params", "inputs", "dag", "io":
		if len(path) == 1 || path[1] == "as_args" {
			u.all = true
		}
		for _, name := range path[1:] {
			u.names[name] = true
		}
	}
}
