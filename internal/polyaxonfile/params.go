package polyaxonfile

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/source"
)

// paramAt gives where a param was given: by fill, or in the file.
func (f *File) paramAt(name string, fill Fill) source.Position {
	_, value := fill.Params[name]
	_, text := fill.Texts[name]
	_, isSecret := fill.Secrets[name]
	if (value || text || isSecret) && fill.ParamsAt != nil {
		return fill.ParamsAt(name)
	}
	return f.At("params", name)
}

// index is an element's place in a path.
func index(i int) string { return strconv.Itoa(i) }

// checkParams holds params against inputs, as servers do only after the run was
// submitted.
func (f *File) checkParams(component map[string]any, at []string, params, root map[string]any, fill Fill) error {
	var errs []error
	declared := map[string]inout{}
	var names []string
	covered := matrixNames(root)
	for i, x := range readIO(component, "inputs") {
		declared[x.name] = x
		names = append(names, x.name)
		_, given := params[x.name]
		_, isSecret := fill.Secrets[x.name]
		if !given && !isSecret && x.required() && !covered[x.name] {
			hint := "add it to params of " + fill.Name
			if x.name == imageInput {
				hint = "set image of " + fill.Name + " to one of slipway.yaml's images"
			}
			errs = append(errs, &source.Error{
				Position: f.At(extend(extend(at, "inputs"), strconv.Itoa(i))...),
				Message:  fmt.Sprintf("the input %s needs a value, and %s gives none", x.name, fill.Name), Hint: hint,
			})
		}
	}
	for _, x := range readIO(component, "outputs") {
		declared[x.name] = x
	}
	all := maps.Clone(params)
	for name := range fill.Secrets {
		all[name] = nil
	}
	for _, name := range sortedKeys(all) {
		x, ok := declared[name]
		value, isReference := paramValue(params[name])
		if m, isMap := params[name].(map[string]any); !ok && isMap && m["contextOnly"] == true {
			continue
		}
		if !ok {
			e := &source.Error{Position: f.paramAt(name, fill), Message: fmt.Sprintf("%s takes no param %s", f.Name, name)}
			if near, found := source.Nearest(name, names); found {
				e.Hint = "did you mean " + near + "?"
			} else if len(names) > 0 {
				e.Hint = "it takes " + strings.Join(names, ", ")
			}
			errs = append(errs, e)
			continue
		}
		if _, isSecret := fill.Secrets[name]; isSecret {
			continue
		}
		if text, isText := value.(string); isReference || isText && templated(text) {
			continue
		}
		if text, unread := value.(string); unread && x.loadable() && bracketed(text) && fill.Texts[name] == text {
			errs = append(errs, &source.Error{Position: f.paramAt(name, fill), Message: fmt.Sprintf("the param %s does not fit: %s is neither YAML nor JSON", name, python.Repr(text)), Hint: "write a list as [a, b] and a mapping as {a: b}, in quotes for the shell"})
			continue
		}
		if _, err := x.convert(value); err != nil {
			errs = append(errs, &source.Error{Position: f.paramAt(name, fill), Message: fmt.Sprintf("the param %s does not fit: %s", name, x.why(value, err))})
		}
	}
	return errors.Join(errs...)
}

// matrixNames gives the inputs that a matrix or joins give values to.
func matrixNames(root map[string]any) map[string]bool {
	names := map[string]bool{}
	add := func(value any) {
		m, _ := value.(map[string]any)
		for name := range m {
			names[name] = true
		}
	}
	matrix, _ := root["matrix"].(map[string]any)
	add(matrix["params"])
	values, _ := matrix["values"].([]any)
	for _, value := range values {
		add(value)
	}
	joins, _ := root["joins"].([]any)
	for _, join := range joins {
		m, _ := join.(map[string]any)
		add(m["params"])
	}
	return names
}

// paramValue gives a param's value, and whether it refers to another run's.
func paramValue(param any) (value any, isReference bool) {
	m, ok := param.(map[string]any)
	if !ok || !isParam(m) {
		return param, false // the short form
	}
	_, isReference = m["ref"]
	return m["value"], isReference
}

// Inputs gives the names of the component's inputs, in the file's order.
func (f *File) Inputs() []string {
	component, _ := f.Component()
	var names []string
	for _, x := range readIO(component, "inputs") {
		names = append(names, x.name)
	}
	return names
}
