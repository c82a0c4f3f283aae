// Package fill fills a Polyaxonfile with what slipway.yaml and the command line specify
// for its job: params, secrets, image, GPUs, presets, credentials and labels.
package fill

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compose"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// imageInput is the input that slipway sets to the reference of a pushed image.
	imageInput = "DOCKER_IMAGE"
	// imagePlaceholder is the container image that slipway replaces with that reference.
	imagePlaceholder = "slipway"
)

// Fill is what slipway.yaml and the command line specify for a Polyaxonfile's job.
type Fill struct {
	// Name is the name of the job, for messages.
	Name string
	// Params are values of inputs. They override the file's own params.
	Params map[string]any
	// Texts are values of inputs from the command line. They override Params, and are converted
	// to the type of their input.
	Texts map[string]string
	// Secrets are params whose values are kept in a Kubernetes Secret. They override the file's
	// own params.
	Secrets map[string]SecretKey
	// ParamsAt returns the position at which a param was given.
	ParamsAt func(string) source.Position
	// Image is an image reference by digest, or "" for none.
	Image string
	// GPU is the number of GPUs. nil keeps the number in the file, and 0 removes the GPUs.
	GPU *int
	// Timeout is the time limit. If it is not 0, it overrides the file's own.
	Timeout time.Duration
	// Presets are laid over the file in this order.
	Presets []*file.File
	// Credentials, Volume and MLflow are added where the file does not have them. Their zero
	// values add nothing.
	Credentials Credentials
	Volume      Volume
	MLflow      MLflow
	// Served are the environment variables that tell a service which model to serve.
	Served map[string]string
}

// variables returns the environment variables of the containers, with their values.
func (f *Fill) variables() map[string]any {
	all := f.MLflow.variables()
	for name, value := range f.Served {
		all[name] = value
	}
	return all
}

// Operation returns the operation for a file. It does not change the file. It returns
// *source.Error for a param without an input, a missing required param, a value of the
// wrong type, and a secret that would become text; several errors are joined.
func Operation(f *file.File, fill Fill) (*operation.Operation, error) {
	root, component, at := asOperation(f, fill.Presets)
	all := operation.Pods(component, at)
	params, _ := root["params"].(map[string]any)
	params = notNil(params)
	for name, value := range fill.Params {
		params[name] = map[string]any{"value": value}
	}
	for name, value := range typedTexts(component, fill.Texts) {
		params[name] = map[string]any{"value": value}
	}
	if _, given := fill.Texts[imageInput]; !given {
		fillImage(component, all, params, fill.Image)
	}
	if err := checkImages(f, all, fill.Name); err != nil {
		return nil, err
	}
	fill.Secrets = notNil(fill.Secrets)
	for name := range fill.Secrets {
		delete(params, name)
	}
	addVariables(component, all, fill.variables(), params, fill.Secrets)
	if root["params"] = params; len(params) == 0 {
		delete(root, "params")
	}
	if err := checkParams(f, component, at, params, root, fill); err != nil {
		return nil, err
	}
	if err := injectSecrets(f, root, component, at, all, fill.Secrets, func(name string) source.Position { return paramAt(f, name, fill) }); err != nil {
		return nil, err
	}
	if fill.GPU != nil {
		setGPU(all, *fill.GPU)
	}
	addCredentials(component, all, fill.Credentials)
	addVolume(all, fill.Volume)
	if fill.Timeout > 0 {
		if termination := section(root, "termination"); termination != nil {
			termination["timeout"] = int(fill.Timeout / time.Second)
		}
	}
	return operation.New(root), nil
}

// asOperation returns a copy of the file as an operation, with presets laid over it, the
// operation's component, and the path of the component in the file.
func asOperation(f *file.File, presets []*file.File) (root, component map[string]any, at []string) {
	component, at = f.Component()
	root = map[string]any{}
	if f.IsOperation() {
		root = plain.Clone(f.Root())
	}
	root["kind"], root["version"] = "operation", 1.1
	if v, ok := f.Root()["version"]; ok {
		root["version"] = v
	}
	component = plain.Clone(component)
	root["component"] = component
	for _, preset := range presets {
		over := plain.Clone(preset.Root())
		strategy, _ := over["patchStrategy"].(string)
		for _, key := range []string{"isPreset", "patchStrategy", "kind", "version"} {
			delete(over, key)
		}
		root = compose.ApplyPreset(root, over, strategy)
		component, _ = root["component"].(map[string]any)
	}
	return root, component, at
}

func notNil[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// typedTexts converts texts to the types of their inputs. A text that does not fit stays
// as it is; checkParams reports it.
func typedTexts(component map[string]any, texts map[string]string) map[string]any {
	values := map[string]any{}
	for name, text := range texts {
		values[name] = text
	}
	for _, x := range types.ReadIO(component, "inputs") {
		text, given := texts[x.Name]
		if !given || template.Has(text) {
			continue
		}
		if x.Loadable() && bracketed(text) {
			if collection, ok := file.Flow(text); ok {
				values[x.Name] = collection
			}
		} else if converted, err := x.Convert(text); err == nil {
			values[x.Name] = converted
		}
	}
	return values
}

// bracketed reports whether a text begins like a list or a mapping in flow style.
func bracketed(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")
}

// fillImage sets the input DOCKER_IMAGE to the image. If there is no such input, it sets
// the image of the containers that have none. In both cases it replaces the placeholder.
func fillImage(component map[string]any, all []operation.Pod, params map[string]any, image string) {
	if image == "" {
		return
	}
	hasInput := slices.ContainsFunc(types.ReadIO(component, "inputs"), func(x types.IO) bool { return x.Name == imageInput })
	if hasInput {
		params[imageInput] = map[string]any{"value": image}
	}
	for _, p := range all {
		container := p.Container()
		if container == nil {
			continue
		}
		if given, _ := container["image"].(string); given == imagePlaceholder || given == "" && !hasInput {
			container["image"] = image
		}
	}
}

// checkImages returns an error for an image that is still the placeholder. Otherwise the
// nodes would try to pull it from Docker Hub until the run is stopped.
func checkImages(f *file.File, all []operation.Pod, name string) error {
	var errs []error
	for _, p := range all {
		if container := p.Container(); container != nil && container["image"] == imagePlaceholder {
			errs = append(errs, &source.Error{
				Position: f.At(append(slices.Clip(p.Path), "container", "image")...),
				Message:  fmt.Sprintf("the image placeholder %s cannot be replaced: %s sets no image", imagePlaceholder, name),
				Hint:     "set image of " + name + " to one of slipway.yaml's images",
			})
		}
	}
	return errors.Join(errs...)
}
