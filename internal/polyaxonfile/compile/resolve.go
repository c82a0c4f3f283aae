package compile

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compose"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// Resolve applies params and renders templates, as a server does before it creates the
// pod. It returns a new value and does not change c. Its errors are *Error with the
// wording of a server.
func (c *Compiled) Resolve(x Context) (*Compiled, error) {
	s, err := compose.New(c.version)
	if err != nil {
		return nil, err
	}
	r := &Compiled{root: plain.Clone(c.root), params: c.params, version: c.version, composer: s, object: c.object, Kind: c.Kind, Name: c.Name, context: x}
	if c.Kind == "dag" {
		if c.root["build"] != nil && c.version.Major != 1 {
			return nil, dagErrorf("Operations with dag runtime do not support the `build` section.")
		}
		if err := r.checkDag(); err != nil {
			return nil, err
		}
		return r, r.checkConnections(x)
	}
	if c.version.Major == 1 && slices.Contains([]string{"dask", "flink", "ray", "spark"}, c.Kind) {
		return nil, compileErrorf("Resolver Error. Specification with run kind: %s is not supported in this deployment version.", c.Kind)
	}
	if c.root["build"] != nil {
		return nil, compileErrorf("Build resolution is not supported in this Polyaxon distribution")
	}
	if err := r.applyParams(); err != nil {
		return nil, err
	}
	if err := r.applyConnections(x); err != nil {
		return nil, err
	}
	if err := r.renderSections(x); err != nil {
		return nil, err
	}
	if err := r.checkConnections(x); err != nil {
		return nil, err
	}
	if r.Schedule() == "" {
		if err := r.renderRun(x); err != nil {
			return nil, err
		}
	}
	r.setValues()
	return r, nil
}

// applyParams sets the value of every input and output, and turns all other params into
// contexts.
func (c *Compiled) applyParams() error {
	specs, err := c.specs(func(x types.IO, ref, value string) error {
		if strings.HasPrefix(value, "artifacts") {
			return nil
		}
		return brokenReference(x.Name, value, ref)
	})
	if err != nil || len(specs) == 0 {
		return err
	}
	var contexts []any
	for _, s := range specs {
		entry := c.entry(s.name)
		if entry["delayValidation"] != nil && c.version.Major != 1 {
			// Polyaxon 2.x fails like this for the old key. Its replacement is validation:
			// {delay: true}.
			return &Error{"'V1IO' object has no attribute 'delay_validation'"}
		}
		if entry == nil {
			m := map[string]any{"name": s.name, "isOptional": true, "value": s.value}
			put(m, "connection", s.connection)
			put(m, "toEnv", s.toEnv)
			if s.toInit {
				m["toInit"] = true
			}
			contexts = append(contexts, m)
			continue
		}
		entry["isOptional"] = true
		if s.literal {
			entry["value"] = s.value
			if err := c.checkTemplate(entry); err != nil {
				return err
			}
			put(entry, "connection", s.connection)
			put(entry, "toEnv", s.toEnv)
			if s.toInit {
				entry["toInit"] = true
			}
		}
	}
	c.root["contexts"] = contexts
	c.params = nil
	delete(c.root, "joins") // their params have been applied
	return nil
}

// checkTemplate refuses a template as the value of an input whose type does not accept
// that text. Polyaxon 2.x reads the input again with its param before anything is
// rendered.
func (c *Compiled) checkTemplate(entry map[string]any) error {
	if text, isText := entry["value"].(string); c.version.Major == 1 || !isText || !template.Has(text) {
		return nil
	}
	for _, x := range types.ReadIO(map[string]any{"inputs": []any{entry}}, "inputs") {
		if err := x.CheckDefault(c.version); err != nil {
			return &Error{"1 validation error for V1IO\n  Value error, " + err.Error()}
		}
	}
	return nil
}

func put(m map[string]any, key, text string) {
	if text != "" {
		m[key] = text
	}
}

// entry returns the input or output with this name, or nil.
func (c *Compiled) entry(name string) map[string]any {
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range types.ReadIO(c.root, section) {
			if x.Name == name {
				return x.Entry
			}
		}
	}
	return nil
}

// sectionsBeforeRun returns the keys of the sections that are rendered before the run.
func sectionsBeforeRun() []string {
	return []string{
		"isApproved", "matrix", "presets", "cost", "queue", "cache", "plugins", "namespace", "termination", "schedule", "dependencies", "trigger",
		"conditions", "mount", "skipOnUpstreamSkip",
	}
}

// renderSections renders everything except the run, the build and the hooks. It drops
// what a run no longer needs, such as its joins and events.
func (c *Compiled) renderSections(x Context) error {
	specs, err := c.specs(nil)
	if err != nil {
		return err
	}
	r := &renderer{c.version}
	scope, err := scopeOf(specs, r, map[string]any{"globals": c.globalsBeforeRun(x)})
	if err != nil {
		return err
	}
	root := map[string]any{}
	for _, key := range []string{"kind", "version", "name", "description", "tags", "run", "build", "hooks"} {
		if value := c.root[key]; value != nil && value != "" {
			root[key] = value
		}
	}
	if c.Schedule() != "" && c.root["strictParams"] != nil {
		root["strictParams"] = c.root["strictParams"]
	}
	for _, key := range []string{"contexts", "inputs", "outputs"} {
		list, _ := c.root[key].([]any)
		var all []any
		for _, element := range list {
			m, _ := element.(map[string]any)
			io, err := r.io(m, scope)
			if err != nil {
				return err
			}
			all = append(all, io)
		}
		if len(all) > 0 {
			root[key] = all
		}
	}
	for _, key := range sectionsBeforeRun() {
		if c.root[key] == nil || c.version.Major == 1 && (key == "isApproved" || key == "skipOnUpstreamSkip") {
			continue // 1.11.3 uses these two before rendering
		}
		value, err := r.value(c.root[key], scope)
		if err != nil {
			return err
		}
		if _, isText := value.(string); key == "conditions" && !isText {
			value = python.Str(value)
		}
		root[key] = value
	}
	return c.reshape(root)
}

// reshape shapes the operation again, as a server does after each rendering.
func (c *Compiled) reshape(root map[string]any) error {
	shaped, err := c.composer.Object(c.object, c.composer.Prune(c.object, root))
	if err != nil {
		return &Error{"Could not apply run context, error: " + err.Error()}
	}
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range types.ReadIO(shaped, section) {
			if err := x.CheckDefault(c.version); err != nil {
				return &Error{"Could not apply run context, error: " + err.Error()}
			}
		}
	}
	c.root = c.composer.Prune(c.object, shaped)
	return nil
}

// setValues sets Inputs and Outputs.
func (c *Compiled) setValues() {
	c.Inputs, c.Outputs = map[string]any{}, map[string]any{}
	for _, section := range []string{"inputs", "outputs", "contexts"} {
		for _, x := range types.ReadIO(c.root, section) {
			switch section {
			case "inputs":
				c.Inputs[x.Name] = x.Value
			case "outputs":
				c.Outputs[x.Name] = x.Value
			}
		}
	}
}
