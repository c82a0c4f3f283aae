package fill

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
	"github.com/slipway-ci/slipway/internal/source"
)

// paramAt returns the position at which a param was given, by fill or in the file.
func paramAt(f *file.File, name string, fill Fill) source.Position {
	_, value := fill.Params[name]
	_, text := fill.Texts[name]
	_, isSecret := fill.Secrets[name]
	if (value || text || isSecret) && fill.ParamsAt != nil {
		return fill.ParamsAt(name)
	}
	return f.At("params", name)
}

// checkParams checks params against inputs. Servers do this only after the run was
// submitted.
func checkParams(f *file.File, component map[string]any, at []string, params, root map[string]any, fill Fill) error {
	var errs []error
	declared := map[string]types.IO{}
	var names []string
	covered := matrix.Varied(root)
	for i, x := range types.ReadIO(component, "inputs") {
		declared[x.Name] = x
		names = append(names, x.Name)
		_, given := params[x.Name]
		_, isSecret := fill.Secrets[x.Name]
		if !given && !isSecret && x.Required() && !covered[x.Name] {
			hint := "add it to params of " + fill.Name
			if x.Name == imageInput {
				hint = "set image of " + fill.Name + " to one of slipway.yaml's images"
			}
			errs = append(errs, &source.Error{
				Position: f.At(append(slices.Clip(at), "inputs", strconv.Itoa(i))...),
				Message:  fmt.Sprintf("the input %s is required, and %s does not set it", x.Name, fill.Name), Hint: hint,
			})
		}
	}
	for _, x := range types.ReadIO(component, "outputs") {
		declared[x.Name] = x
	}
	all := maps.Clone(params)
	for name := range fill.Secrets {
		all[name] = nil
	}
	for _, name := range plain.Keys(all) {
		x, ok := declared[name]
		value, isReference := paramValue(params[name])
		if m, isMap := params[name].(map[string]any); !ok && isMap && m["contextOnly"] == true {
			continue
		}
		if !ok {
			e := &source.Error{Position: paramAt(f, name, fill), Message: fmt.Sprintf("the input %s is not declared in %s", name, f.Name)}
			e.Hint = source.Suggest(name, "declared inputs: ", names)
			errs = append(errs, e)
			continue
		}
		if _, isSecret := fill.Secrets[name]; isSecret {
			continue
		}
		if text, isText := value.(string); isReference || isText && template.Has(text) {
			continue
		}
		if text, unread := value.(string); unread && x.Loadable() && bracketed(text) && fill.Texts[name] == text {
			errs = append(errs, &source.Error{Position: paramAt(f, name, fill), Message: fmt.Sprintf("the param %s is not valid: %s is neither YAML nor JSON", name, python.Repr(text)), Hint: "write a list as [a, b] and a mapping as {a: b}, in quotes for the shell"})
			continue
		}
		if _, err := x.Convert(value); err != nil {
			errs = append(errs, &source.Error{Position: paramAt(f, name, fill), Message: fmt.Sprintf("the param %s is not valid: %s", name, x.Explain(value, err))})
		}
	}
	return errors.Join(errs...)
}

// paramValue returns a param's value, and reports whether it refers to another run.
func paramValue(param any) (value any, isReference bool) {
	m, ok := param.(map[string]any)
	if !ok || !types.IsParam(m) {
		return param, false // the short form
	}
	_, isReference = m["ref"]
	return m["value"], isReference
}

// Inputs returns the names of the component's inputs, in the file's order.
func Inputs(f *file.File) []string {
	component, _ := f.Component()
	var names []string
	for _, x := range types.ReadIO(component, "inputs") {
		names = append(names, x.Name)
	}
	return names
}
