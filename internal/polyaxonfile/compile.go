package polyaxonfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// InvalidError is an operation that a server refuses when it is submitted.
type InvalidError struct{ Messages []string }

// Error gives the messages.
func (e *InvalidError) Error() string { return strings.Join(e.Messages, "; ") }

// CompileError is an operation that a server takes, and whose run then fails.
type CompileError struct{ Message string }

// Error gives the message, as the failed run has it.
func (e *CompileError) Error() string { return e.Message }

func compileErrorf(format string, args ...any) error {
	return &CompileError{"Compilation Error: " + fmt.Sprintf(format, args...)}
}

// Compiled is an operation as a server compiles it: its component with the
// operation's own sections merged in. After Resolve its templates are rendered.
type Compiled struct {
	root   map[string]any
	params map[string]any

	// Kind is run.kind; Name is the operation's or the component's.
	Kind, Name string
	// Inputs and Outputs are the values, after Resolve.
	Inputs, Outputs map[string]any

	// The typed parts of the run, after Resolve.
	Container   corev1.Container
	Init        []corev1.Container
	Sidecars    []corev1.Container
	Volumes     []corev1.Volume
	Connections []string
	Environment Environment
	Ports       []int
	RewritePath bool
	Termination Termination
	// ToEnv are inputs that become environment variables of the container.
	ToEnv map[string]string
}

// Environment is run.environment, with what the sandbox heeds.
type Environment struct {
	Labels        map[string]any `json:"labels"`
	Annotations   map[string]any `json:"annotations"`
	NodeSelector  map[string]any `json:"nodeSelector"`
	RestartPolicy string         `json:"restartPolicy"`
}

// Termination limits a run: seconds, and how often it is tried again.
type Termination struct {
	MaxRetries int `json:"maxRetries"`
	TTL        int `json:"ttl"`
	Timeout    int `json:"timeout"`
}

// Connection is an entry of the catalog: what templates see of it.
type Connection struct {
	Name, Kind string
	Schema     map[string]any
}

// Context is what a run is, for templates.
type Context struct {
	Owner, Project, ProjectUUID, Name, UUID, Namespace string
	Created                                            time.Time
	// ArtifactsRoot is where a pod sees the artifacts: /plx-context/artifacts.
	ArtifactsRoot string
	Connections   map[string]Connection
}

// Compile reads an operation, as JSON or YAML, and merges it into its component.
// Its errors are *InvalidError in the words of a 2.18 server.
func Compile(content []byte) (*Compiled, error) {
	f, problems := Load("operation", content)
	problems = slices.DeleteFunc(append(problems, f.Validate(Version{})...), func(p Problem) bool { return p.Stage != StageSubmit })
	if len(problems) > 0 {
		return nil, invalid(problems)
	}
	component, _ := f.Component()
	if component == nil {
		return nil, &InvalidError{[]string{"Collect the Polyaxonfile reference before composing its local fields."}}
	}
	root := clone(component)
	root["kind"] = "compiled_operation"
	params := map[string]any{}
	if f.IsOperation() {
		strategy, _ := f.root["patchStrategy"].(string)
		for key, value := range f.root {
			switch key {
			case "component", "kind", "params", "runPatch", "patchStrategy", "isPreset", "template", "pathRef":
			default:
				root[key] = patch(root[key], value, "")
			}
		}
		if over, ok := f.root["runPatch"].(map[string]any); ok {
			root["run"] = patch(root["run"], over, strategy)
		}
		params, _ = f.root["params"].(map[string]any)
	}
	run, ok := root["run"].(map[string]any)
	if !ok {
		return nil, &InvalidError{[]string{"1 validation error for V1Operation\nrun\n  Field required [type=missing]"}}
	}
	c := &Compiled{root: root, params: params}
	c.Kind, _ = run["kind"].(string)
	c.Name, _ = root["name"].(string)
	return c, nil
}

// invalid gives problems in the words of 2.18's validation.
func invalid(problems []Problem) error {
	var errs []string
	for _, p := range problems {
		if p.Name == "unknown-key" {
			errs = append(errs, fmt.Sprintf("1 validation error for V1Operation\n%s\n  Extra inputs are not permitted [type=extra_forbidden]", strings.Join(p.Path, ".")))
			continue
		}
		errs = append(errs, fmt.Sprintf("1 validation error for V1Operation\n%s\n  Value error, %s", strings.Join(p.Path, "."), p.Message))
	}
	return &InvalidError{errs[:1]} // a server answers with one text
}

// JSON gives the compiled operation.
func (c *Compiled) JSON() []byte {
	text, err := json.Marshal(c.root)
	if err != nil {
		return []byte("{}")
	}
	return text
}

// Schedule tells whether the operation makes other runs rather than running
// itself: dag, matrix or schedule, in a word for messages, "" when not.
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

// Resolve applies params and renders templates: what a server does before it
// makes the pod. Its errors are *CompileError in a server's words.
func (c *Compiled) Resolve(x Context) (*Compiled, error) {
	r := &Compiled{root: clone(c.root), params: c.params, Kind: c.Kind, Name: c.Name, ToEnv: map[string]string{}}
	scope := map[string]any{"globals": c.globals(x), "connections": connections(x)}
	if err := r.applyParams(scope); err != nil {
		return nil, err
	}
	for _, key := range sortedKeys(r.root) {
		if key == "inputs" || key == "outputs" || key == "name" || key == "description" || key == "run" {
			continue
		}
		rendered, err := renderValue(r.root[key], scope, true)
		if err != nil {
			return nil, rendering(err)
		}
		r.root[key] = rendered
	}
	run, _ := r.root["run"].(map[string]any)
	rendered, err := renderRun(run, scope)
	if err != nil {
		return nil, rendering(err)
	}
	r.root["run"] = rendered
	return r, r.typed(x)
}

func rendering(err error) error {
	return compileErrorf("Encountered a problem rendering the template, please make sure your variables are resolvable. Error: %v", err)
}

// globals of polyaxon.md section 4, as the pod of a run sees them.
func (c *Compiled) globals(x Context) map[string]any {
	run := x.ArtifactsRoot + "/" + x.UUID
	created := x.Created.UTC().Format("2006-01-02T15:04:05.000000+00:00")
	base := fmt.Sprintf("/services/v1/%s/%s/%s/runs/%s", x.Namespace, x.Owner, x.Project, x.UUID)
	m, _ := c.root["run"].(map[string]any)
	if rewrite, _ := m["rewritePath"].(bool); rewrite {
		base = "/rewrite-services" + strings.TrimPrefix(base, "/services")
	}
	g := map[string]any{
		"owner_name": x.Owner, "project_name": x.Project, "project_unique_name": x.Owner + "." + x.Project, "project_uuid": x.ProjectUUID,
		"run_info": x.Owner + "." + x.Project + ".runs." + x.UUID, "name": x.Name, "uuid": x.UUID, "namespace": x.Namespace, "iteration": nil,
		"context_path": "/plx-context", "artifacts_path": x.ArtifactsRoot, "created_at": created, "compiled_at": created, "schedule_at": nil,
		"started_at": nil, "finished_at": nil, "duration": nil, "cloning_kind": nil, "original_uuid": nil, "is_independent": true,
		"store_path": "", "run_artifacts_path": run, "run_outputs_path": run + "/outputs",
	}
	if c.Kind == "service" {
		g["base_url"] = base
		if ports, ok := m["ports"]; ok {
			g["ports"] = ports
		}
	}
	return g
}

func connections(x Context) map[string]any {
	all := map[string]any{}
	for name, connection := range x.Connections {
		all[name] = cloneAny(connection.Schema)
	}
	return all
}

// applyParams gives every input its value.
func (c *Compiled) applyParams(scope map[string]any) error {
	byName := map[string]any{}
	c.Inputs, c.Outputs = map[string]any{}, map[string]any{}
	for _, section := range []string{"inputs", "outputs"} {
		list, _ := c.root[section].([]any)
		for i, x := range readIO(c.root, section) {
			value, given := c.params[x.name]
			value, isReference := paramValue(value)
			switch {
			case isReference:
				return &CompileError{"Access Error: references to other runs are not built into this version of slipway's sandbox"}
			case !given && x.required() && section == "inputs":
				return compileErrorf("The Polyaxonfile has non optional inputs/outputs, you need to pass valid params")
			case !given:
				value = x.value
			}
			rendered, err := renderValue(value, scope, false)
			if err != nil {
				return rendering(err)
			}
			converted, err := x.convert(rendered)
			if err != nil {
				text := err.Error()
				return compileErrorf("%s", strings.ToUpper(text[:1])+text[1:])
			}
			if m, ok := list[i].(map[string]any); ok && converted != nil {
				m["value"] = converted
			}
			scope[x.name] = converted
			byName[x.name] = map[string]any{
				"value": converted, "type": x.kind, "as_str": asString(converted), "as_arg": x.asArgument(converted), "connection": x.connection,
			}
			if section == "inputs" {
				c.Inputs[x.name] = converted
			} else {
				c.Outputs[x.name] = converted
			}
			if x.toEnv != "" && converted != nil {
				c.ToEnv[x.toEnv] = asString(converted)
			}
		}
	}
	scope["params"] = byName
	return nil
}

// asArgument gives --name=value, "" for nothing.
func (x inout) asArgument(value any) string {
	switch {
	case value == nil:
		return ""
	case x.argFormat != "":
		rendered, err := render(x.argFormat, map[string]any{x.name: value})
		if err != nil || rendered == nil {
			return ""
		}
		return asText(rendered)
	case x.flag:
		if truth(value) {
			return "--" + x.name
		}
		return ""
	}
	return "--" + x.name + "=" + asString(value)
}

// asString is a value as an environment variable or an argument has it.
func asString(value any) string {
	switch x := value.(type) {
	case nil:
		return ""
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case map[string]any, []any:
		if text, err := json.Marshal(x); err == nil {
			return string(text)
		}
	case float64:
		if encoded, err := json.Marshal(x); err == nil {
			return string(encoded)
		}
	}
	return asText(value)
}

// renderValue renders all texts of a value; retype makes of a text that is one
// expression the expression's value.
func renderValue(value any, scope map[string]any, retype bool) (any, error) {
	switch x := value.(type) {
	case string:
		if !templated(x) {
			return x, nil
		}
		if m := expression.FindStringSubmatch(strings.TrimSpace(x)); m != nil && retype {
			result, err := evaluate(m[1], scope)
			if _, none := result.(undefined); none {
				return "", err
			}
			return result, err
		}
		return render(x, scope)
	case []any:
		list := []any{}
		for _, element := range x {
			rendered, err := renderValue(element, scope, retype)
			if err != nil {
				return nil, err
			}
			list = append(list, rendered)
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(x))
		for key, element := range x {
			rendered, err := renderValue(element, scope, retype)
			if err != nil {
				return nil, err
			}
			m[key] = rendered
		}
		return m, nil
	}
	return value, nil
}

// renderRun renders a run: commands and arguments stay text, and an argument that
// is one expression of nothing is left out.
func renderRun(run map[string]any, scope map[string]any) (map[string]any, error) {
	rendered := map[string]any{}
	for key, value := range run {
		result, err := renderValue(value, scope, true)
		if err != nil {
			return nil, err
		}
		rendered[key] = result
	}
	texts := func(container any) error {
		m, ok := container.(map[string]any)
		if !ok {
			return nil
		}
		for _, key := range []string{"command", "args"} {
			list, ok := m[key].([]any)
			if !ok {
				continue
			}
			kept := []any{}
			for _, element := range list {
				if element != nil {
					kept = append(kept, asText(element))
				}
			}
			m[key] = kept
		}
		variables, _ := m["env"].([]any)
		for _, variable := range variables {
			if v, ok := variable.(map[string]any); ok && v["value"] != nil {
				v["value"] = asString(v["value"])
			}
		}
		return nil
	}
	errs := []error{texts(rendered["container"])}
	for _, key := range []string{"sidecars", "init"} {
		list, _ := rendered[key].([]any)
		for _, element := range list {
			if m, ok := element.(map[string]any); ok && key == "init" {
				element = m["container"]
			}
			errs = append(errs, texts(element))
		}
	}
	return rendered, errors.Join(errs...)
}

// typed fills the typed parts.
func (c *Compiled) typed(x Context) error {
	run, _ := c.root["run"].(map[string]any)
	var unsupported []string
	take := func(from map[string]any, key string, into any) error {
		value, ok := from[key]
		if !ok || value == nil {
			return nil
		}
		text, err := json.Marshal(value)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			return compileErrorf("%s cannot be read: %v", key, err)
		}
		return nil
	}
	var inits []map[string]any
	err := errors.Join(
		take(run, "container", &c.Container), take(run, "sidecars", &c.Sidecars), take(run, "volumes", &c.Volumes),
		take(run, "connections", &c.Connections), take(run, "environment", &c.Environment), take(run, "ports", &c.Ports),
		take(run, "rewritePath", &c.RewritePath), take(run, "init", &inits), take(c.root, "termination", &c.Termination),
	)
	if err != nil {
		return err
	}
	for _, init := range inits {
		container := corev1.Container{}
		if err := take(init, "container", &container); err != nil {
			return err
		}
		for key := range init {
			if key != "container" && key != "connection" && key != "path" {
				unsupported = append(unsupported, "init."+key)
			}
		}
		c.Init = append(c.Init, container)
	}
	if len(unsupported) > 0 {
		return &CompileError{"the sandbox of this version of slipway does not run " + strings.Join(unsupported, ", ")}
	}
	var missing []string
	for _, name := range c.Connections {
		if _, ok := x.Connections[name]; !ok {
			missing = append(missing, "'"+name+"'")
		}
	}
	if len(missing) > 0 {
		return &CompileError{"Some connection refs were provided but were not found in the agent.connections catalog: `{" + strings.Join(missing, ", ") + "}`"}
	}
	return nil
}
