// Package compile does what a server does with an operation before it creates the pod: it
// merges the parts of the operation, checks params against inputs, and renders templates.
package compile

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compose"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// InvalidError reports an operation that a server refuses when it is submitted.
type InvalidError struct {
	Messages []string
	// Err is the reason, or nil. It is a *shape.ValidationError for a value that does not fit the
	// schema.
	Err error
}

// Error returns the messages, joined.
func (e *InvalidError) Error() string { return strings.Join(e.Messages, "; ") }

// Unwrap returns the reason.
func (e *InvalidError) Unwrap() error { return e.Err }

// Error reports an operation that a server accepts and whose run then fails.
type Error struct{ Message string }

// Error returns the message that the failed run has.
func (e *Error) Error() string { return e.Message }

// Compiled is an operation as a server compiles it: its component with the operation's
// own sections merged in. After Resolve, its templates are rendered.
type Compiled struct {
	root     map[string]any
	params   map[string]any
	version  schema.Version
	composer *compose.Composer
	// object is the schema of root.
	object *schema.Object

	// Kind is run.kind. Name is the name of the operation or else of the component.
	Kind, Name string
	// Inputs and Outputs are the values. They are set by Resolve.
	Inputs, Outputs map[string]any
	// context is the context that Resolve used.
	context Context
}

// Operation reads an operation or a component, as JSON or YAML, and merges its parts as a
// server of a version does. The zero Version stands for the newest. It returns an
// *InvalidError, with the wording of a server, for an operation that a server refuses.
func Operation(content []byte, version schema.Version) (*Compiled, error) {
	if version.Any() {
		version = schema.Newest()
	}
	f, problems := file.Load("operation", content)
	if f.Root() != nil {
		problems = append(problems, check.Validate(f, version)...)
	}
	if err := invalid(problems); err != nil {
		return nil, err
	}
	if hasBig(f.Root()) {
		return nil, &InvalidError{Messages: []string{"TypeError: Integer exceeds 64-bit range"}}
	}
	return compile(f.Root(), version)
}

// Values is like Operation, for the values of an operation or a component that has
// already been read and checked against the version. It does not change them.
func Values(root map[string]any, version schema.Version) (*Compiled, error) {
	if version.Any() {
		version = schema.Newest()
	}
	return compile(plain.Clone(root), version)
}

// hasBig reports whether a value contains an integer beyond 64 bits. Servers cannot store
// these.
func hasBig(value any) bool {
	switch x := value.(type) {
	case *big.Int:
		return true
	case map[string]any:
		for _, element := range x {
			if hasBig(element) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(x, hasBig)
	}
	return false
}

func compile(root map[string]any, version schema.Version) (*Compiled, error) {
	s, err := compose.New(version)
	if err != nil {
		return nil, err
	}
	if !file.IsOperation(root) {
		root = map[string]any{"kind": "operation", "component": root}
	}
	shaped, err := s.Object(s.File(root), root)
	if err != nil {
		return nil, &InvalidError{Messages: []string{err.Error()}, Err: err}
	}
	effective, err := s.Compose(shaped)
	if err != nil {
		return nil, &InvalidError{Messages: []string{err.Error()}, Err: err}
	}
	run, ok := effective["run"].(map[string]any)
	if !ok {
		return nil, &InvalidError{Messages: []string{"Compile operation received an invalid configuration: the resolved Polyaxonfile has no run."}}
	}
	c := &Compiled{version: version, composer: s, object: compiledObject(s), params: plain.Map(effective["params"])}
	c.Kind, _ = run["kind"].(string)
	c.Name, _ = effective["name"].(string)
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range types.ReadIO(effective, section) {
			if err := x.CheckDefault(version); err != nil {
				return nil, &InvalidError{Messages: []string{"1 validation error for V1Operation\n" + section + "." + x.Name + "\n  Value error, " + err.Error()}}
			}
		}
	}
	if err := c.checkReplicas(run); err != nil {
		return nil, err
	}
	kept := map[string]any{}
	for key, value := range effective {
		if _, here, _ := c.object.Find(key, version); here {
			kept[key] = value
		}
	}
	kept["kind"] = "compiled_operation"
	c.root = s.Prune(c.object, kept)
	c.root["contexts"] = contextOnly(effective)
	return c, nil
}

// compiledObject returns the object of a compiled operation: the keys of an operation and
// a component that remain after merging.
func compiledObject(s *compose.Composer) *schema.Object {
	gone := map[string]bool{
		"params": true, "runPatch": true, "hubRef": true, "dagRef": true, "urlRef": true, "pathRef": true, "component": true, "patchStrategy": true,
		"isPreset": true, "template": true, "container": true, "cmd": true, "env": true, "resources": true, "ports": true, "environment": true,
		"init": true, "connections": true, "sidecars": true, "volumes": true,
	}
	o := &schema.Object{Name: "compiled_operation"}
	seen := map[string]bool{}
	for _, name := range []string{"operation", "component"} {
		for _, f := range s.Tables.Object(name).Fields {
			if !gone[f.Key] && f.Has(s.Version) && !seen[f.Key] {
				seen[f.Key] = true
				f.Required = false
				o.Fields = append(o.Fields, f)
			}
			if f.Key == "inputs" && !seen["contexts"] {
				seen["contexts"] = true
				o.Fields = append(o.Fields, schema.Field{Key: "contexts", Type: f.Type})
			}
		}
	}
	return o
}

// checkReplicas refuses a container in an init container of a replica, because Polyaxon 2
// cannot encode it as JSON again.
func (c *Compiled) checkReplicas(run map[string]any) error {
	kind, _, _ := c.composer.Tables.Union("run").Find(c.Kind, c.version)
	if c.version.Major == 1 || kind.Object == nil || compose.IsReplica(kind.Object) {
		return nil
	}
	for _, path := range c.composer.Replicas(kind.Object, run) {
		m := run
		for _, key := range path {
			m = plain.Map(m[key])
		}
		inits, _ := m["init"].([]any)
		for _, init := range inits {
			if plain.Map(init)["container"] != nil {
				return &InvalidError{Messages: []string{"TypeError: " + strings.Join(path, ".") + ".init: Polyaxon " + c.version.String() + " cannot keep the container of a replica's init container"}}
			}
		}
	}
	return nil
}

// contextOnly returns the params that only templates see.
func contextOnly(root map[string]any) []any {
	contexts := []any{}
	add := func(params map[string]any, isList bool) {
		for _, name := range plain.Keys(params) {
			param, _ := params[name].(map[string]any)
			if param["contextOnly"] != true {
				continue
			}
			m := map[string]any{"name": name}
			for _, key := range []string{"toInit", "toEnv", "connection"} {
				if param[key] != nil {
					m[key] = param[key]
				}
			}
			if isList {
				m["isList"] = true
			}
			contexts = append(contexts, m)
		}
	}
	add(plain.Map(root["params"]), false)
	joins, _ := root["joins"].([]any)
	for _, element := range joins {
		m, _ := element.(map[string]any)
		add(plain.Map(m["params"]), true)
	}
	return contexts
}

// invalid returns an *InvalidError for the first problem that a server refuses, with the
// server's wording. It returns nil when there is none.
func invalid(problems []file.Problem) error {
	for _, p := range problems {
		if p.Stage != file.StageSubmit || p.Severity != file.SeverityError {
			continue
		}
		text := fmt.Sprintf("1 validation error for V1Operation\n%s\n  Value error, %s", strings.Join(p.Path, "."), p.Message)
		if p.Name == "unknown-key" {
			text = fmt.Sprintf("1 validation error for V1Operation\n%s\n  Extra inputs are not permitted [type=extra_forbidden]", strings.Join(p.Path, "."))
		}
		return &InvalidError{Messages: []string{text}} // a server returns a single text
	}
	return nil
}

// JSON returns the compiled operation as JSON.
func (c *Compiled) JSON() []byte { return []byte(python.JSON(c.root)) }

// Schedule returns "dag", "matrix" or "schedule" if the operation creates other runs
// instead of running itself, and else "".
func (c *Compiled) Schedule() string {
	if c.Kind == "dag" {
		return "dag"
	}
	for _, key := range []string{"matrix", "schedule"} {
		if c.root[key] != nil {
			return key
		}
	}
	return ""
}
