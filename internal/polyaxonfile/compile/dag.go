package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

func dagErrorf(format string, args ...any) error {
	return &Error{"Could not apply run context, error: " + fmt.Sprintf(format, args...)}
}

// node is an operation of a dag, with its parts merged.
type node struct {
	name     string
	local    map[string]any
	compiled *Compiled
	upstream []string
}

// checkDag checks the operations of a dag: their names, components, dependencies and
// params.
func (c *Compiled) checkDag() error {
	run := plain.Map(c.root["run"])
	components, err := c.dagComponents(run)
	if err != nil {
		return err
	}
	operations, _ := run["operations"].([]any)
	if len(operations) == 0 {
		return dagErrorf("Pipeline is not valid, it has no ops to validate components.")
	}
	var nodes []*node
	known := map[string]bool{}
	for _, element := range operations {
		n, err := c.dagNode(plain.Map(element), components)
		if err != nil {
			return err
		}
		if known[n.name] {
			return dagErrorf("Pipeline has multiple ops with the same name `%s`", n.name)
		}
		known[n.name] = true
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		for _, name := range n.upstream {
			if !known[name] {
				return dagErrorf("Pipeline has a non valid dag, the dag contains an orphan ops: `{%s}`, check if you are referencing this op in a parameter or a condition", python.Repr(name))
			}
		}
	}
	if circular(nodes) {
		return dagErrorf("Pipeline's graph is not acyclic.")
	}
	for _, n := range nodes {
		if _, err := n.compiled.specs(func(x types.IO, ref, value string) error { return c.dagReference(nodes, x, ref, value) }); err != nil {
			return dagErrorf("%v Please check: <op %s>", err, n.name)
		}
	}
	return nil
}

// dagComponents returns a dag's components by name.
func (c *Compiled) dagComponents(run map[string]any) (map[string]map[string]any, error) {
	all := map[string]map[string]any{}
	list, _ := run["components"].([]any)
	for _, element := range list {
		component := plain.Map(element)
		name, _ := component["name"].(string)
		switch {
		case name == "":
			return nil, dagErrorf("Pipeline component requires a name.")
		case all[name] != nil:
			return nil, dagErrorf("Pipeline has multiple components with the same name `%s`", name)
		}
		all[name] = component
	}
	return all, nil
}

// dagNode merges the parts of one operation of a dag.
func (c *Compiled) dagNode(local map[string]any, components map[string]map[string]any) (*node, error) {
	n := &node{local: local}
	n.name, _ = local["name"].(string)
	if n.name == "" {
		return nil, dagErrorf("Pipeline op requires a name.")
	}
	if local["schedule"] != nil {
		return nil, dagErrorf("DAG node `%s` cannot define a schedule.", n.name)
	}
	full, err := c.resolveDagRef(plain.Clone(local), components, nil)
	if err != nil {
		return nil, err
	}
	effective, err := c.composer.Compose(full)
	if err != nil {
		return nil, dagErrorf("%v", err)
	}
	if effective["run"] == nil {
		return nil, dagErrorf("Pipeline op has no definition field `%s`", n.name)
	}
	n.compiled = &Compiled{root: effective, params: plain.Map(effective["params"]), version: c.version, composer: c.composer, object: c.object}
	n.upstream = names(local["dependencies"])
	for _, name := range plain.Keys(n.compiled.params) {
		n.upstream = append(n.upstream, opsOf(plain.Map(n.compiled.params[name])["ref"])...)
	}
	events, _ := effective["events"].([]any)
	for _, event := range events {
		n.upstream = append(n.upstream, opsOf(plain.Map(event)["ref"])...)
	}
	return n, nil
}

// opsOf returns the name of the operation that a reference ops.NAME names.
func opsOf(ref any) []string {
	text, _ := ref.(string)
	parts := strings.Split(text, ".")
	if len(parts) < 2 || parts[0] != "ops" {
		return nil
	}
	return []string{parts[1]}
}

// resolveDagRef replaces a dagRef with the dag's component.
func (c *Compiled) resolveDagRef(local map[string]any, components map[string]map[string]any, sources []string) (map[string]any, error) {
	if component, ok := local["component"].(map[string]any); ok {
		full, err := c.resolveDagRef(component, components, sources)
		local["component"] = full
		return local, err
	}
	name, ok := local["dagRef"].(string)
	if !ok {
		return local, nil
	}
	if slices.Contains(sources, name) {
		return nil, dagErrorf("Pipeline op `%v` has a template reference cycle: %s", local["name"], strings.Join(append(sources, name), " -> "))
	}
	component := components[name]
	if component == nil {
		return nil, dagErrorf("Pipeline op with name `%v` requires a component with name `%s`, which is not defined on this pipeline.", local["name"], name)
	}
	full, err := c.resolveDagRef(plain.Clone(component), components, append(sources, name))
	local["component"] = full
	return local, err
}

// circular reports whether operations depend on each other in a circle.
func circular(nodes []*node) bool {
	done := map[string]bool{}
	for range nodes {
		for _, n := range nodes {
			ready := true
			for _, name := range n.upstream {
				ready = ready && done[name]
			}
			if ready {
				done[n.name] = true
			}
		}
	}
	return len(done) < len(nodes)
}

// dagReference checks that a param's reference exists in the dag, and that its type fits
// the input.
func (c *Compiled) dagReference(nodes []*node, x types.IO, ref, value string) error {
	what := value
	if m := templateText.FindStringSubmatch(value); m != nil {
		what = strings.TrimSpace(m[1])
	}
	section, name, nested := strings.Cut(what, ".")
	target := c
	switch to := strings.Split(ref, "."); to[0] {
	case "runs":
		return nil
	case "ops":
		i := slices.IndexFunc(nodes, func(n *node) bool { return n.name == to[1] })
		if i < 0 {
			return brokenReference(x.Name, value, ref)
		}
		target = nodes[i].compiled
	}
	kind, isList := "str", false
	switch {
	case !nested && (section == "inputs" || section == "outputs"):
		kind = "dict"
	case !nested:
	case section == "globals" && slices.Contains([]string{
		"owner_name", "project_name", "project_unique_name", "project_uuid", "run_info", "name", "uuid", "status", "namespace", "iteration",
		"context_path", "artifacts_path", "created_at", "compiled_at", "schedule_at", "started_at", "finished_at", "duration", "cloning_kind",
		"original_uuid", "is_independent",
	}, name):
	default:
		found := false
		for _, of := range []string{"inputs", "outputs"} {
			for _, y := range types.ReadIO(target.root, of) {
				if y.Name == name && (of == section || section == "artifacts" && y.Kind == "artifacts") {
					kind, isList, found = y.Kind, y.List, true
				}
			}
		}
		switch {
		case !found && section == "artifacts":
			return nil // artifacts are logged while a run is in progress
		case !found:
			return brokenReference(x.Name, value, ref)
		}
	}
	if !types.Compatible(x.Kind, kind) || x.List != isList {
		return compileErrorf("Param `%s` has a an input type `%s` and it does not correspond to the type of the value `%s` received from `%s` with type `%s`",
			x.Name, x.Kind, value, ref, kind)
	}
	return nil
}
