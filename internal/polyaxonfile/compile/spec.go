package compile

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// spec is a param of a run: a value for an input or output, or one that only templates
// see.
type spec struct {
	name, kind              string
	value                   any
	flag, list              bool
	connection, toEnv       string
	toInit                  bool
	argFormat               string
	literal, context, given bool
}

// specOf returns the spec of an input or output without a param.
func specOf(x types.IO) spec {
	return spec{
		name: x.Name, kind: x.Kind, value: x.Value, flag: x.Flag, list: x.List, connection: x.Connection, toEnv: x.ToEnv, toInit: x.ToInit,
		argFormat: x.ArgFormat, literal: true,
	}
}

// join is the key that marks a param whose value comes from a query.
const join = "join"

// allParams returns all params of a composed operation, including those of its joins.
func (c *Compiled) allParams() map[string]map[string]any {
	all := map[string]map[string]any{}
	joins, _ := c.root["joins"].([]any)
	for _, element := range joins {
		m, _ := element.(map[string]any)
		joined, _ := m["params"].(map[string]any)
		for name, param := range joined {
			p, _ := param.(map[string]any)
			all[name] = map[string]any{join: true}
			for key, value := range p {
				all[name][key] = value
			}
		}
	}
	for name, param := range c.params {
		m, _ := param.(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		all[name] = m
	}
	return all
}

// specs checks params against inputs and outputs, as a server does before it compiles.
// Every input that needs a param must have one, and values must fit their types.
func (c *Compiled) specs(references referenceFunc) ([]spec, error) {
	params := c.allParams()
	inputs, outputs := types.ReadIO(c.root, "inputs"), types.ReadIO(c.root, "outputs")
	matrix, _ := c.root["matrix"].(map[string]any)
	if len(params) == 0 && matrix == nil && (needsParams(inputs, false) || needsParams(outputs, true)) {
		return nil, compileErrorf("The Polyaxonfile has non optional inputs/outputs, you need to pass valid params")
	}
	var all []spec
	declared := map[string]bool{}
	for _, x := range append(inputs, outputs...) {
		declared[x.Name] = true
		param, given := params[x.Name]
		switch {
		case given:
			s, err := c.checkParam(x, param, references)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		case x.Section == "outputs":
			if delay, said := x.Validation["delay"].(bool); !said || delay {
				all = append(all, specOf(x))
			}
		case matrix != nil && inMatrix(matrix, x.Name):
			if err := c.checkMatrixParam(x, matrix); err != nil {
				return nil, err
			}
		case !x.Optional && x.Entry["delayValidation"] != true:
			return nil, compileErrorf("Input %s is required, no param was passed.", x.Name)
		default:
			all = append(all, specOf(x))
		}
	}
	return c.extra(all, params, declared)
}

// extra adds the params that neither an input nor an output declares.
func (c *Compiled) extra(all []spec, params map[string]map[string]any, declared map[string]bool) ([]spec, error) {
	contexts := types.ReadIO(c.root, "contexts")
	for _, name := range plain.Keys(params) {
		param := params[name]
		if declared[name] {
			continue
		}
		contextOnly, said := param["contextOnly"].(bool)
		switch {
		case c.version.Major == 1 && !contextOnly && param[join] == nil:
			return nil, compileErrorf("Received unexpected params `{'%s'}`", name)
		case said && !contextOnly:
			return nil, compileErrorf("Param `%s` requires a matching input/output declaration.", name)
		case c.root["strictParams"] == true && !contextOnly:
			return nil, compileErrorf("Received undeclared param `%s`; declare an input/output or set `contextOnly: true`.", name)
		}
		s := spec{name: name, context: true, given: true, literal: param["ref"] == nil && param[join] == nil, value: param["value"]}
		s.connection, _ = param["connection"].(string)
		s.toEnv, _ = param["toEnv"].(string)
		s.toInit, _ = param["toInit"].(bool)
		if param[join] == nil {
			if err := checkReference(name, param); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	for _, x := range contexts {
		if _, given := params[x.Name]; !given && !declared[x.Name] {
			s := specOf(x)
			s.context, s.kind = true, ""
			all = append(all, s)
		}
	}
	return all, nil
}

// needsParams reports whether one of the inputs or outputs needs a param.
func needsParams(all []types.IO, delayed bool) bool {
	for _, x := range all {
		if delay, said := x.Entry["delayValidation"].(bool); said {
			delayed = delay
		}
		if !x.Optional && !delayed {
			return true
		}
	}
	return false
}

func inMatrix(matrix map[string]any, name string) bool {
	if matrix["kind"] == "mapping" {
		if text, ok := matrix["values"].(string); ok {
			return shape.IsReference(text)
		}
		values, _ := matrix["values"].([]any)
		if len(values) == 0 {
			return false
		}
		first, _ := values[0].(map[string]any)
		_, ok := first[name]
		return ok
	}
	params, _ := matrix["params"].(map[string]any)
	resource, _ := matrix["resource"].(map[string]any)
	_, ok := params[name]
	return ok || resource != nil && resource["name"] == name
}

// checkMatrixParam checks the choices of a matrix against an input's type.
func (c *Compiled) checkMatrixParam(x types.IO, matrix map[string]any) error {
	params, _ := matrix["params"].(map[string]any)
	param, _ := params[x.Name].(map[string]any)
	values, _ := param["value"].([]any)
	if param["kind"] != "choice" || x.Kind == "" {
		return nil
	}
	for _, value := range values {
		if _, err := x.ConvertFor(value, c.version); err != nil {
			return compileErrorf("%s", err)
		}
	}
	return nil
}

// checkParam checks one param against its input or output.
func (c *Compiled) checkParam(x types.IO, param map[string]any, references referenceFunc) (spec, error) {
	s := specOf(x)
	s.given = true
	s.value = param["value"]
	s.connection, _ = param["connection"].(string)
	s.toEnv, _ = param["toEnv"].(string)
	s.toInit, _ = param["toInit"].(bool)
	if param[join] != nil {
		s.literal = false
		if !x.List && x.Kind != "artifacts" {
			return s, compileErrorf("Param `%s` has a an input type `%s`, it does not expect a list of values from the join. "+
				"You should either pass a single value or add `isList` to you IO definition", x.Name, x.Kind)
		}
		return s, nil
	}
	if err := checkReference(x.Name, param); err != nil {
		return s, err
	}
	text, isText := s.value.(string)
	if ref, ok := param["ref"].(string); ok {
		s.literal = false
		if references == nil || isText && shape.IsReference(text) {
			return s, nil
		}
		if err := references(x, ref, text); err != nil {
			return s, err
		}
		return s, nil
	}
	if isText && shape.IsReference(text) {
		return s, nil
	}
	converted, err := x.ConvertFor(s.value, c.version)
	if err != nil {
		return s, compileErrorf("%s", err)
	}
	if s.value != nil {
		s.value = converted
	} else {
		s.value = x.Value
	}
	return s, nil
}

func compileErrorf(format string, args ...any) error {
	return &Error{"Compilation Error: " + fmt.Sprintf(format, args...)}
}
