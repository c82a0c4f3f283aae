package survey

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/source"
)

// Polyaxonfile is a component or an operation of the repository.
type Polyaxonfile struct {
	At source.Position
	// Name is a name for its job or service.
	Name string
	// Old reports whether it is for Polyaxon 0.x. Command is its command then, or "".
	Old     bool
	Command string
	// Invalid is the first mistake of a file that cannot be read.
	Invalid string
	// Kind is the kind of its run, such as job, service or dag, or "" if another file has it.
	Kind string
	// Image is the image that it names, with the place, and TakesImage reports whether that of
	// slipway.yaml takes its place.
	Image      Value
	TakesImage bool
	// Needs are the inputs that have no value.
	Needs []Input
	// GPU is where it asks for GPUs. Matrix is the kind of its matrix.
	GPU    source.Position
	Matrix Value
	// Schedule and Joins are where it asks for a schedule, and for the results of other runs.
	Schedule, Joins source.Position
	// Secrets are the Secrets that it names.
	Secrets []Value
	// refers are the paths of the files that it refers to.
	refers []string
}

// Path returns the path of the file.
func (p Polyaxonfile) Path() string { return p.At.File }

// Input is an input without a value.
type Input struct {
	Name, Type string
	At         source.Position
}

// addYAML adds a file if it is a Polyaxonfile or a manifest of Kubernetes.
func (r *Repository) addYAML(name, text string) {
	if !file.Recognize([]byte(text)) {
		r.addManifest(name, text)
		return
	}
	f, problems := file.Load(name, []byte(text))
	p := Polyaxonfile{At: source.Position{File: name, Line: 1}, Name: polyaxonfileName(name, f)}
	root := f.Root()
	switch {
	case root == nil && len(problems) > 0:
		p.At, p.Invalid = problems[0].Position, problems[0].Message
	case root == nil:
		return
	case check.IsVersion0(f):
		p.At, p.Old, p.Kind = f.At("kind"), true, text0(f, "kind")
		if p.Command = text0(f, "run", "cmd"); p.Command == "" {
			p.Command = text0(f, "job", "cmd")
		}
		p.describe0(f)
	case root["isPreset"] == true:
		return
	default:
		p.describe(f)
	}
	r.Polyaxonfiles = append(r.Polyaxonfiles, p)
}

// describe0 reads the image and the GPUs of a file for Polyaxon 0.x.
func (p *Polyaxonfile) describe0(f *file.File) {
	if image := text0(f, "build", "image"); image != "" {
		p.Image = Value{image, f.At("build", "image")}
	}
	root := f.Root()
	environment, _ := root["environment"].(map[string]any)
	resources, _ := environment["resources"].(map[string]any)
	if gpu := resources["gpu"]; gpu != nil && fmt.Sprint(gpu) != "0" {
		p.GPU = f.At("environment", "resources", "gpu")
	}
}

// describe reads a file for Polyaxon 1.0 or later.
func (p *Polyaxonfile) describe(f *file.File) {
	root, at := f.Root(), []string{}
	p.At = f.At("kind")
	given, _ := root["params"].(map[string]any)
	if ref, ok := root["pathRef"].(string); ok {
		p.refers = append(p.refers, path.Join(path.Dir(f.Name), ref))
	}
	if matrix, ok := root["matrix"].(map[string]any); ok {
		kind, _ := matrix["kind"].(string)
		p.Matrix = Value{kind, f.At("matrix")}
		for _, key := range []string{"params", "values"} {
			p.matrixParams(matrix[key], &given)
		}
	}
	component := root
	if inner, ok := root["component"].(map[string]any); ok {
		component, at = inner, []string{"component"}
	}
	if root["schedule"] != nil {
		p.Schedule = f.AtKey("schedule")
	} else if component["schedule"] != nil {
		p.Schedule = f.AtKey("component", "schedule")
	}
	if root["joins"] != nil {
		p.Joins = f.AtKey("joins")
	}
	run, _ := component["run"].(map[string]any)
	p.Kind, _ = run["kind"].(string)
	container, _ := run["container"].(map[string]any)
	where := func(keys ...string) source.Position { return f.At(append(slices.Clone(at), keys...)...) }
	p.Image.Text, _ = container["image"].(string)
	p.Image.At, p.TakesImage = where("run", "container", "image"), p.Image.Text == "" && container != nil || p.Image.Text == "slipway"
	inputs, _ := component["inputs"].([]any)
	for n, one := range inputs {
		input, _ := one.(map[string]any)
		name, _ := input["name"].(string)
		here := where("inputs", fmt.Sprint(n))
		if name == "DOCKER_IMAGE" {
			p.TakesImage = true
			if value, ok := input["value"].(string); ok {
				p.Image = Value{value, here}
			}
			continue
		}
		if _, ok := given[name]; !ok && input["value"] == nil && input["isOptional"] != true && name != "" {
			kind, _ := input["type"].(string)
			p.Needs = append(p.Needs, Input{Name: name, Type: kind, At: here})
		}
	}
	resources, _ := container["resources"].(map[string]any)
	for _, part := range []string{"limits", "requests"} {
		if amounts, ok := resources[part].(map[string]any); ok && amounts["nvidia.com/gpu"] != nil && fmt.Sprint(amounts["nvidia.com/gpu"]) != "0" {
			p.GPU = where("run", "container", "resources", part, "nvidia.com/gpu")
		}
	}
	p.secrets(f, root, nil)
	p.references(f, root)
}

// matrixParams adds the names of what a matrix sets to given.
func (p *Polyaxonfile) matrixParams(of any, given *map[string]any) {
	all := map[string]any{}
	for name, value := range *given {
		all[name] = value
	}
	switch of := of.(type) {
	case map[string]any:
		for name := range of {
			all[name] = true
		}
	case []any:
		if first, ok := append(of, nil)[0].(map[string]any); ok {
			for name := range first {
				all[name] = true
			}
		}
	}
	*given = all
}

// secrets finds the Secrets that pods mount, read or pull images with.
func (p *Polyaxonfile) secrets(f *file.File, value any, at []string) {
	add := func(name any, key ...string) {
		text, ok := name.(string)
		if ok && secretName.MatchString(text) && !slices.ContainsFunc(p.Secrets, func(v Value) bool { return v.Text == text }) {
			p.Secrets = append(p.Secrets, Value{text, f.At(append(slices.Clone(at), key...)...)})
		}
	}
	switch value := value.(type) {
	case map[string]any:
		add(value["secretName"], "secretName")
		for _, key := range []string{"secretKeyRef", "secretRef"} {
			if ref, ok := value[key].(map[string]any); ok {
				add(ref["name"], key, "name")
			}
		}
		names, _ := value["imagePullSecrets"].([]any)
		for n, name := range names {
			add(name, "imagePullSecrets", fmt.Sprint(n))
		}
		for _, key := range f.Keys(at...) {
			p.secrets(f, value[key], append(slices.Clone(at), key))
		}
	case []any:
		for n, one := range value {
			p.secrets(f, one, append(slices.Clone(at), fmt.Sprint(n)))
		}
	}
}

var secretName = lazyregexp.New(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// references finds the files that the operations of a dag refer to.
func (p *Polyaxonfile) references(f *file.File, value any) {
	switch value := value.(type) {
	case map[string]any:
		if ref, ok := value["pathRef"].(string); ok {
			p.refers = append(p.refers, path.Join(path.Dir(f.Name), ref))
		}
		for _, one := range value {
			p.references(f, one)
		}
	case []any:
		for _, one := range value {
			p.references(f, one)
		}
	}
}

// dropParts removes the Polyaxonfiles that others refer to: they are not run by themselves.
func (r *Repository) dropParts() {
	var parts []string
	for _, p := range r.Polyaxonfiles {
		parts = append(parts, p.refers...)
	}
	r.Polyaxonfiles = slices.DeleteFunc(r.Polyaxonfiles, func(p Polyaxonfile) bool { return slices.Contains(parts, p.Path()) })
}

var noMeaning = lazyregexp.New(`(?:^|[-_.])(?:polyaxonfile|polyaxon|component|operation|job|service|ver\d*|v\d+)(?:[-_.]|$)`)

// polyaxonfileName returns a name for the job of a file: what the file's name says, or else
// the name that is in it, or its directory's.
func polyaxonfileName(name string, f *file.File) string {
	stem := strings.ToLower(strings.TrimSuffix(path.Base(name), path.Ext(name)))
	for range 3 {
		stem = strings.Trim(noMeaning.ReplaceAllString(stem, "-"), "-_.")
	}
	inside, _ := f.Root()["name"].(string)
	for _, text := range []string{stem, inside, path.Base(path.Dir(name))} {
		if s := Slug(text); s != "" {
			return s
		}
	}
	return "job"
}

// text0 returns a text of a file for Polyaxon 0.x, or "".
func text0(f *file.File, keys ...string) string {
	var value any = f.Root()
	for _, key := range keys {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	if list, ok := value.([]any); ok && len(list) > 0 {
		var words []string
		for _, one := range list {
			words = append(words, fmt.Sprint(one))
		}
		return strings.Join(words, " && ")
	}
	text, _ := value.(string)
	return strings.TrimSpace(text)
}
