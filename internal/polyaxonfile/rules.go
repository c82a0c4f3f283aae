package polyaxonfile

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// ioTypes are the types of inputs and outputs; 1.11.3 lacks the last two.
var ioTypes = []string{
	"any", "int", "float", "bool", "str", "dict", "dict_of_dicts", "uri", "auth", "list", "gcs", "s3", "wasb", "dockerfile", "git",
	"image", "event", "artifacts", "path", "metric", "metadata", "date", "datetime", "uuid", "file", "tensorboard",
}

// rules are what an object's table cannot say.
func (v *validator) rules(name string, m map[string]any, p *place) {
	switch name {
	case "operation":
		v.operation(m, p)
	case "component":
		v.component(m, p)
	case "io":
		v.io(m, p)
	case "environment":
		if text, ok := m["dnsPolicy"].(string); ok && !templated(text) {
			words := []string{"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"}
			if !slices.Contains(words, text) {
				path, at := v.below(p, "dnsPolicy")
				v.add(StageRun, SeverityError, "bad-value", at.at, path, "", "%s must be one of %s, not %q", strings.Join(path, "."), strings.Join(words, ", "), text)
			}
		}
	}
}

// references are the keys that name an operation's component.
func references() []string { return []string{"component", "pathRef", "urlRef", "hubRef", "dagRef"} }

// operation checks that there is exactly one component, and the patch of its run.
func (v *validator) operation(m map[string]any, p *place) {
	var given []string
	for _, key := range references() {
		if m[key] != nil {
			given = append(given, key)
		}
	}
	preset := m["isPreset"] == true
	switch {
	case len(given) > 1:
		path, at := v.below(p, given[1])
		v.fail("several-components", keyOf(at), path, "", "an operation has one of %s", strings.Join(given, " and "))
	case len(given) == 0 && !preset && !v.ownRun(m):
		v.fail("missing-key", v.file.At(v.path...), v.path, "", "an operation needs a component, or a pathRef to one")
	case len(given) == 1 && given[0] == "dagRef":
		v.dagRef(m, p)
	case len(given) == 1 && given[0] != "component":
		path, at := v.below(p, given[0])
		if v.file.told[at] {
			return
		}
		v.fail("unresolved-reference", at.at, path, "servers do not follow it: name a file that slipway reads, or put the component here", "%s is not resolved", given[0])
	}
	v.runPatch(m, p)
}

// ownRun tells whether there is a run without a component, as 2.18 has it.
func (v *validator) ownRun(m map[string]any) bool {
	if !v.both() && v.version.Before(shortcuts) {
		return false
	}
	return m["run"] != nil || m["container"] != nil || m["cmd"] != nil
}

// dagRef names a component of the dag around.
func (v *validator) dagRef(m map[string]any, p *place) {
	name, ok := m["dagRef"].(string)
	path, at := v.below(p, "dagRef")
	switch {
	case !ok:
	case len(v.dags) == 0:
		v.fail("unresolved-reference", at.at, path, "use pathRef or component", "dagRef names a component of a dag, and there is none around this operation")
	case !v.dags[len(v.dags)-1][name]:
		hint, names := "", sortedKeys(v.dags[len(v.dags)-1])
		if near, found := source.Nearest(name, names); found {
			hint = "did you mean " + near + "?"
		} else if len(names) > 0 {
			hint = "there are " + strings.Join(names, ", ")
		}
		v.add(StageCompile, SeverityError, "unresolved-reference", at.at, path, hint, "the dag has no component %s", name)
	}
}

// runPatch holds a patch against the run that it is laid over: no key is required.
func (v *validator) runPatch(m map[string]any, p *place) {
	patch, ok := m["runPatch"].(map[string]any)
	component, _ := m["component"].(map[string]any)
	run, _ := component["run"].(map[string]any)
	kind, _ := run["kind"].(string)
	if own, given := patch["kind"].(string); given {
		kind = own
	}
	union := v.tables.Union("run")
	found, here, _ := union.Find(kind, v.version)
	if !ok || !here {
		return
	}
	_, at := v.below(p, "runPatch")
	before := len(v.problems)
	v.into("runPatch", func() { v.object(found.Object, patch, at) })
	kept := v.problems[:before]
	for _, problem := range v.problems[before:] {
		if problem.Name != "missing-key" {
			kept = append(kept, problem)
		}
	}
	v.problems = kept
}

// component checks that there is a run.
func (v *validator) component(m map[string]any, _ *place) {
	if len(v.path) > 0 && m["run"] == nil && m["kind"] == "operation" {
		return
	}
	if _, given := m["run"]; !given && !v.ownRun(m) && (v.both() || !v.version.Before(shortcuts)) {
		v.fail("missing-key", v.file.At(v.path...), v.path, "", "the component needs run")
	}
}

// io checks what Polyaxon checks of an input or an output when it reads one.
func (v *validator) io(m map[string]any, p *place) {
	name, _ := m["name"].(string)
	if slices.Contains([]string{"globals", "params", "connections"}, name) {
		path, at := v.below(p, "name")
		v.fail("reserved-input", at.at, path, "templates have a variable of this name", "an input or output may not be called %s", name)
	}
	kind, isText := m["type"].(string)
	known := ioTypes
	if v.old() {
		known = ioTypes[:len(ioTypes)-2]
	}
	if isText && !templated(kind) && !slices.Contains(known, kind) {
		path, at := v.below(p, "type")
		hint := ""
		if near, ok := source.Nearest(kind, known); ok {
			hint = "did you mean " + near + "?"
		}
		stage := StageCompile
		if v.old() {
			stage = StageSubmit
		}
		v.add(stage, SeverityError, "unknown-type", at.at, path, hint, "%s is no type of an input or output", kind)
	}
	if m["isFlag"] == true && kind != "bool" {
		path, at := v.below(p, "isFlag")
		v.fail("flag-no-bool", at.at, path, "set type: bool", "%s is a flag, which only a bool can be", name)
	}
	if optional, given := m["isOptional"]; m["value"] != nil && given && optional == false {
		path, at := v.below(p, "isOptional")
		v.fail("default-of-required", at.at, path, "remove isOptional, or set it to true", "%s has a default value and is not optional", name)
	}
}

// version1 is what Polyaxon 1 wants that 2 does not.
func (v *validator) version1(hasKind bool) {
	if given, ok := v.file.root["version"]; !ok {
		v.fail("version-missing", v.file.At(), nil, "add version: 1.1", "Polyaxon %s needs version", v.version)
	} else if given != 1.1 {
		v.fail("version-unknown", v.file.At("version"), []string{"version"}, "", "version must be 1.1, not %v", given)
	}
	if !hasKind {
		v.fail("missing-kind", v.file.At(), nil, "add kind: component or kind: operation", "Polyaxon %s needs kind", v.version)
	}
}
