package polyaxonfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// imageInput is the input that slipway fills with a pushed image's reference.
	imageInput = "DOCKER_IMAGE"
	// imagePlaceholder, as a container's image, is replaced by it.
	imagePlaceholder = "slipway"
	// gpuResource is the GPUs of a GKE node, and the taint that keeps others off it.
	gpuResource = "nvidia.com/gpu"
)

// Fill is what slipway.yaml says of a Polyaxonfile's job.
type Fill struct {
	// Name of the job, for messages.
	Name string
	// Params are values for inputs; they win over the file's own params.
	Params map[string]any
	// ParamsAt says where a param stands in slipway.yaml.
	ParamsAt func(string) source.Position
	// Image is a reference by digest, "" for none.
	Image string
	// GPU sets the number of GPUs, nil leaves the file's, 0 removes them.
	GPU *int
	// Timeout, when it is not 0, is the time limit; it wins over the file's own.
	Timeout time.Duration
	// Presets are laid over the file in this order.
	Presets []*File
}

// Operation is what is sent to Polyaxon: a component with params, and nothing
// that is resolved elsewhere.
type Operation struct{ root map[string]any }

// Operation gives the operation that a file becomes. A param that no input takes,
// a required one that is missing, and a value of a wrong type are *source.Error.
func (f *File) Operation(fill Fill) (*Operation, error) {
	root := map[string]any{"kind": "operation", "version": 1.1}
	component, at := f.Component()
	if f.IsOperation() {
		root = clone(f.root)
		root["kind"] = "operation"
	}
	component = clone(component)
	root["component"] = component
	if v, ok := f.root["version"]; ok {
		root["version"] = v
	} else {
		root["version"] = 1.1
	}
	for _, preset := range fill.Presets {
		over := clone(preset.root)
		strategy, _ := over["patchStrategy"].(string)
		for _, key := range []string{"isPreset", "patchStrategy", "kind", "version"} {
			delete(over, key)
		}
		root, _ = patch(root, over, strategy).(map[string]any)
		component, _ = root["component"].(map[string]any)
	}
	params, _ := root["params"].(map[string]any)
	if params == nil {
		params = map[string]any{}
	}
	for name, value := range fill.Params {
		params[name] = map[string]any{"value": value}
	}
	f.fillImage(component, params, fill.Image)
	if len(params) > 0 {
		root["params"] = params
	}
	if err := f.checkParams(component, at, params, root, fill); err != nil {
		return nil, err
	}
	run, _ := component["run"].(map[string]any)
	if fill.GPU != nil && run != nil {
		setGPU(run, *fill.GPU)
	}
	if fill.Timeout > 0 {
		termination, _ := root["termination"].(map[string]any)
		if termination == nil {
			termination = map[string]any{}
		}
		termination["timeout"] = int(fill.Timeout / time.Second)
		root["termination"] = termination
	}
	return &Operation{root}, nil
}

// fillImage gives the image to the input DOCKER_IMAGE where there is one, else to
// a container that has none.
func (f *File) fillImage(component, params map[string]any, image string) {
	if image == "" {
		return
	}
	for _, x := range readIO(component, "inputs") {
		if x.name == imageInput {
			params[imageInput] = map[string]any{"value": image}
			return
		}
	}
	run, _ := component["run"].(map[string]any)
	container, _ := run["container"].(map[string]any)
	if container == nil {
		return
	}
	if given, _ := container["image"].(string); given == "" || given == imagePlaceholder {
		container["image"] = image
	}
}

// checkParams holds params against inputs, as servers do only after the run was
// submitted.
func (f *File) checkParams(component map[string]any, at []string, params, root map[string]any, fill Fill) error {
	where := func(name string) source.Position {
		if _, given := fill.Params[name]; given && fill.ParamsAt != nil {
			return fill.ParamsAt(name)
		}
		return f.At("params", name)
	}
	var errs []error
	declared := map[string]inout{}
	var names []string
	covered := matrixNames(root)
	for i, x := range readIO(component, "inputs") {
		declared[x.name] = x
		names = append(names, x.name)
		if _, given := params[x.name]; !given && x.required() && !covered[x.name] {
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
	for _, name := range sortedKeys(params) {
		x, ok := declared[name]
		value, isReference := paramValue(params[name])
		if m, isMap := params[name].(map[string]any); !ok && isMap && m["contextOnly"] == true {
			continue
		}
		if !ok {
			e := &source.Error{Position: where(name), Message: fmt.Sprintf("%s takes no param %s", f.Name, name)}
			if near, found := source.Nearest(name, names); found {
				e.Hint = "did you mean " + near + "?"
			} else if len(names) > 0 {
				e.Hint = "it takes " + strings.Join(names, ", ")
			}
			errs = append(errs, e)
			continue
		}
		if text, isText := value.(string); isReference || isText && templated(text) {
			continue
		}
		if _, err := x.convert(value); err != nil {
			errs = append(errs, &source.Error{Position: where(name), Message: fmt.Sprintf("the param %s does not fit: %v", name, err)})
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

// setGPU sets the GPUs of a run's container: request, limit and the toleration
// of the taint that GKE puts on nodes with GPUs.
func setGPU(run map[string]any, count int) {
	container, _ := run["container"].(map[string]any)
	if container == nil {
		return
	}
	resources, _ := container["resources"].(map[string]any)
	if resources == nil {
		resources = map[string]any{}
	}
	for _, key := range []string{"requests", "limits"} {
		amounts, _ := resources[key].(map[string]any)
		if amounts == nil {
			amounts = map[string]any{}
		}
		if count == 0 {
			delete(amounts, gpuResource)
		} else {
			amounts[gpuResource] = count
		}
		resources[key] = amounts
		if len(amounts) == 0 {
			delete(resources, key)
		}
	}
	container["resources"] = resources
	if len(resources) == 0 {
		delete(container, "resources")
	}
	environment, _ := run["environment"].(map[string]any)
	if environment == nil {
		environment = map[string]any{}
	}
	old, _ := environment["tolerations"].([]any)
	tolerations := []any{}
	for _, t := range old {
		if m, ok := t.(map[string]any); !ok || m["key"] != gpuResource {
			tolerations = append(tolerations, t)
		}
	}
	if count > 0 {
		tolerations = append(tolerations, map[string]any{"key": gpuResource, "operator": "Exists", "effect": "NoSchedule"})
	}
	environment["tolerations"] = tolerations
	if len(tolerations) == 0 {
		delete(environment, "tolerations")
	}
	if run["environment"] = environment; len(environment) == 0 {
		delete(run, "environment")
	}
}

// patch lays over on base by one of Polyaxon's strategies: post_merge (the new
// value wins, lists are joined), pre_merge (the old one wins), replace, isnull.
func patch(base, over any, strategy string) any {
	b, bok := base.(map[string]any)
	o, ook := over.(map[string]any)
	if bok && ook {
		merged := clone(b)
		for key, value := range o {
			old, exists := merged[key]
			switch {
			case !exists || old == nil || strategy == "replace":
				merged[key] = cloneAny(value)
			case strategy == "isnull":
			default:
				merged[key] = patch(old, value, strategy)
			}
		}
		return merged
	}
	bl, bok := base.([]any)
	ol, ook := over.([]any)
	switch {
	case bok && ook && strategy == "pre_merge":
		return union(ol, bl)
	case bok && ook:
		return union(bl, ol)
	case strategy == "pre_merge":
		return base
	}
	return cloneAny(over)
}

// union joins lists, each element once.
func union(first, second []any) []any {
	joined := append([]any{}, first...)
next:
	for _, candidate := range second {
		for _, have := range joined {
			if equal(have, candidate) {
				continue next
			}
		}
		joined = append(joined, cloneAny(candidate))
	}
	return joined
}

// JSON gives the operation as it is sent: keys are sorted, so the same operation
// has the same bytes.
func (o *Operation) JSON() []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o.root); err != nil {
		return nil // plain values always encode
	}
	return bytes.TrimSpace(b.Bytes())
}

// YAML gives the operation for people.
func (o *Operation) YAML() []byte {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(o.root); err != nil {
		return o.JSON()
	}
	return b.Bytes()
}

// ParseOperation reads an operation that a server kept.
func ParseOperation(content []byte) (*Operation, error) {
	f, err := Parse("operation", content)
	if err != nil {
		return nil, err
	}
	return &Operation{f.root}, nil
}
