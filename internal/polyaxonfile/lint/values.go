package lint

import (
	"errors"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

func valueRules() []Rule {
	return []Rule{
		{Name: "bad-param", Severity: file.SeverityError, Stage: file.StageCompile, check: badParam, byVersion: true,
			Summary: "A value is not of its input's type",
			Help: "The server takes the operation, and its run fails when it is compiled: the value of a param, a default, or a value of a matrix, is not of the input's type, " +
				"or the input's validation does not accept it. A `linspace` from 0 to 1 has values with a fraction, which an input of type int does not accept."},
	}
}

// badParam checks all values against the types of their inputs.
func badParam(p *pass) {
	if p.component == nil {
		return
	}
	inputs := map[string]map[string]any{}
	for _, section := range []string{"outputs", "inputs"} {
		for _, x := range p.declared(section) {
			inputs[x.name] = x.values
		}
	}
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			if !x.delayed && (since2(p.version) || python.Truth(x.value)) { // in 1.x "" is unset
				p.checkValue(x.values, x.name, x.value, extend(x.path, "value"))
			}
		}
	}
	params := mapping(p.operation["params"])
	for _, name := range sorted(params) {
		value, path := params[name], extend(p.operationPath, "params", name)
		if m := mapping(value); m != nil {
			if m["ref"] != nil || m["connection"] != nil && m["value"] == nil {
				continue
			}
			if given, long := m["value"]; long {
				value, path = given, extend(path, "value")
			}
		}
		p.checkValue(inputs[name], name, value, path)
	}
	holder, path := p.operation, p.operationPath
	if holder["matrix"] == nil {
		holder, path = p.component, p.path
	}
	path = extend(path, "matrix")
	spaces := mapping(mapping(holder["matrix"])["params"])
	for _, name := range sorted(spaces) {
		p.space(inputs[name], name, mapping(spaces[name]), extend(path, "params", name, "value"))
	}
	for i, row := range list(mapping(holder["matrix"])["values"]) {
		values := mapping(row)
		for _, name := range sorted(values) {
			p.checkValue(inputs[name], name, values[name], extend(path, "values", itoa(i), name))
		}
	}
}

// checkValue reports a value that an input does not accept.
func (p *pass) checkValue(input map[string]any, name string, value any, path []string) {
	if input == nil || value == nil || templated(text(value)) || holdsTemplate(value) {
		return
	}
	if err := types.Check(input, value, p.version); err != nil {
		p.value(path, "", "the value of %s: %s", name, shortenedTo(err.Error(), 300))
	}
}

// space reports a search space with values that an input does not accept.
func (p *pass) space(input map[string]any, name string, space map[string]any, path []string) {
	if input == nil || space == nil {
		return
	}
	var wrong *matrix.SampleError
	if !errors.As(matrix.CheckSpace(input, space, p.version), &wrong) {
		return
	}
	if wrong.Index >= 0 {
		path = extend(path, itoa(wrong.Index))
		if text(space["kind"]) == "pchoice" {
			path = extend(path, "0")
		}
	}
	p.value(path, "", "the values of %s: %s", name, shortenedTo(wrong.Error(), 300))
}

// holdsTemplate reports whether a value contains a template.
func holdsTemplate(value any) bool {
	found := false
	texts(value, nil, func(text string, _ []string) { found = found || templated(text) })
	return found
}
