package polyaxonfile

import (
	"regexp"
	"slices"
	"strconv"
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
	if kind := m["kind"]; (name == "operation" || name == "component") && kind != nil && len(v.path) > 0 && kind != "operation" && kind != "component" {
		path, at := v.below(p, "kind")
		v.fail("unknown-kind", at.at, path, "", "kind is component or operation, not %s", typeName(kind))
	}
	switch name {
	case "operation":
		v.operation(m, p)
		v.runtime(m, p)
	case "component":
		v.runtime(m, p)
		v.component(m, p)
	case "io":
		v.io(m, p)
	case "param", "shortparam", "joinparam":
		v.param(m, p)
	case "init":
		v.init(m, p)
	case "grid":
		v.grid(m, p)
	case "utilityFunction":
		v.utility(m)
	case "tensorboard":
		v.tensorboard(m, p)
	case "shortresources":
		v.resources(m, p)
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
		stage := StageSubmit
		if !v.old() {
			stage = StageAdvice // the first one counts
		}
		v.add(stage, SeverityError, "several-components", keyOf(at), path, "", "an operation has one of %s", strings.Join(given, " and "))
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
}

// runKeys are those that make a run of an operation, of which run is one.
var runKeys = []string{"run", "container", "cmd", "env", "resources", "ports", "environment", "init", "connections", "sidecars", "volumes"}

// ownRun tells whether there is a run without a component, as 2.18 has it.
func (v *validator) ownRun(m map[string]any) bool {
	if !v.both() && v.version.Before(shortcuts) {
		return false
	}
	return slices.ContainsFunc(runKeys, func(key string) bool { return m[key] != nil })
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

// changesRun tells whether an operation's run only changes its component's.
func changesRun(m map[string]any) bool {
	run, _ := m["run"].(map[string]any)
	component, _ := m["component"].(map[string]any)
	return run != nil && run["kind"] == nil && component["run"] != nil
}

// patch holds what is laid over a run against it: no key is required, and the kind
// stays.
func (v *validator) patch(m map[string]any, p *place, key string) {
	patch, ok := m[key].(map[string]any)
	kind := runKind(m)
	found, here, _ := v.tables.Union("run").Find(kind, v.version)
	if !ok || !here {
		return
	}
	path, at := v.below(p, key)
	if own, given := patch["kind"]; given && own != kind {
		v.fail("unknown-kind", at.at, append(path, "kind"), "", "a patch of a run of kind %s cannot make it %v", kind, own)
		return
	}
	before := len(v.problems)
	v.into(key, func() { v.object(found.Object, patch, at) })
	kept := v.problems[:before]
	for _, problem := range v.problems[before:] {
		if problem.Name != "missing-key" {
			kept = append(kept, problem)
		}
	}
	v.problems = kept
}

// component checks that there is a run, unless it is the component of a component.
func (v *validator) component(m map[string]any, p *place) {
	if n := len(v.path); n > 1 && v.path[n-1] == "component" && v.path[n-2] == "component" || v.version.Before(shortcuts) && !v.both() {
		return
	}
	given := ""
	for _, key := range references() {
		if m[key] != nil && m[key] != "" {
			given = key
		}
	}
	path, at := v.below(p, given)
	switch {
	case given != "" && given != "component" && !v.file.told[at]:
		v.fail("unresolved-reference", at.at, path, "servers do not follow it: put the component here", "%s is not resolved", given)
	case given == "" && !v.ownRun(m):
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
	if fitBool(m["isFlag"]) != wrong && isTrue(m["isFlag"]) && kind != "bool" {
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

// param: a value that refers to another run is a text.
func (v *validator) param(m map[string]any, p *place) {
	if _, isText := m["value"].(string); m["ref"] != nil && m["ref"] != "" && !isText {
		path, at := v.below(p, "ref")
		v.fail("wrong-type", at.at, path, "write value: outputs.NAME, or what else of the run is meant", "beside ref, value must be text, not %s", typeName(m["value"]))
	}
}

// init: an initializer does one thing, and git needs to know from where.
func (v *validator) init(m map[string]any, p *place) {
	var given []string
	for _, key := range []string{"artifacts", "paths", "git", "file", "dockerfile", "tensorboard", "lineageRef", "modelRef", "artifactRef"} {
		if m[key] != nil {
			given = append(given, key)
		}
	}
	if len(given) > 1 {
		path, at := v.below(p, given[1])
		v.fail("several-initializers", keyOf(at), path, "make two elements of them", "an element of init has one of %s", strings.Join(given, " and "))
	}
	git, ok := m["git"].(map[string]any)
	if url, _ := git["url"].(string); ok && url == "" && m["connection"] == nil {
		path, at := v.below(p, "git")
		v.fail("missing-key", at.at, path, "", "git needs a url, or a connection beside it")
	}
}

// runKind gives the kind of an operation's run, which is its component's where it
// says nothing itself; "" when it is not known.
func runKind(m map[string]any) string {
	run, _ := m["run"].(map[string]any)
	kind, given := run["kind"].(string)
	if component, ok := m["component"].(map[string]any); ok && !given {
		return runKind(component)
	}
	return kind
}

// runtime holds what stands beside a run against the run.
func (v *validator) runtime(m map[string]any, p *place) {
	v.patch(m, p, "runPatch")
	if changesRun(m) {
		v.patch(m, p, "run")
	}
	list, isList := m["cmd"].([]any)
	if text, isText := m["cmd"].(string); isText && strings.TrimSpace(text) == "" || isList && len(list) == 0 {
		path, at := v.below(p, "cmd")
		v.fail("bad-value", at.at, path, "", "cmd is empty")
	}
	if run, given := m["run"]; given && run == nil && v.stage == StageSubmit && !v.old() {
		path, at := v.below(p, "run")
		v.fail("missing-key", at.at, path, "", "%s needs a value", strings.Join(path, "."))
	}
	kind := runKind(m)
	if kind == "" || kind == "service" {
		return
	}
	if m["ports"] != nil {
		path, at := v.below(p, "ports")
		v.fail("only-for-services", keyOf(at), path, "", "only a service has ports; the run is of kind %s", kind)
	}
	plugins, _ := m["plugins"].(map[string]any)
	for _, key := range []string{"sandbox", "ssh"} {
		if on := plugins[key]; on != nil && isTrue(on) && !v.both() && !v.version.Before(shortcuts) {
			path := append(slices.Clone(v.path), "plugins", key)
			v.fail("only-for-services", v.file.AtKey(path...), path, "", "only a service has the plugin %s; the run is of kind %s", key, kind)
		}
	}
}

// grid: a grid goes through values, and a distribution has none to go through.
func (v *validator) grid(m map[string]any, p *place) {
	params, _ := m["params"].(map[string]any)
	path, at := v.below(p, "params")
	for _, name := range orderedKeys(params, at) {
		hp, _ := params[name].(map[string]any)
		kind, _ := hp["kind"].(string)
		if strings.HasSuffix(kind, "uniform") || strings.HasSuffix(kind, "normal") || kind == "pchoice" {
			where := append(slices.Clone(path), name, "kind")
			v.fail("grid-of-distribution", v.file.At(where...), where, "use matrix kind random, or choice, range, linspace, logspace, geomspace", "a grid cannot go through %s", kind)
		}
	}
}

// utility: each acquisition function has its own parameter.
func (v *validator) utility(m map[string]any) {
	function, _ := m["acquisitionFunction"].(string)
	want := "eps"
	switch strings.ToLower(function) {
	case "", "ucb":
		function, want = "ucb", "kappa"
	}
	if m[want] == nil {
		v.fail("missing-key", v.file.At(v.path...), v.path, "", "the acquisition function %s needs %s", function, want)
	}
}

var uuid = regexp.MustCompile(`^(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})$`)

// tensorboard shows runs, by their uuids.
func (v *validator) tensorboard(m map[string]any, p *place) {
	path, at := v.below(p, "uuids")
	check := func(value any, path []string, at source.Position) {
		if text, ok := value.(string); ok && !uuid.MatchString(strings.TrimSpace(text)) {
			v.fail("bad-value", at, path, "", "%q is no uuid of a run", text)
		}
	}
	if text, ok := m["uuids"].(string); ok && text != "" && !strings.Contains(text, "{{") {
		for _, one := range strings.Split(text, ",") {
			check(one, path, at.at)
		}
	}
	list, _ := m["uuids"].([]any)
	for i, one := range list {
		where := append(slices.Clone(path), strconv.Itoa(i))
		check(one, where, v.file.At(where...))
	}
}

func isTrue(value any) bool {
	switch x := value.(type) {
	case string:
		return !slices.Contains([]string{"0", "off", "f", "false", "n", "no"}, strings.ToLower(x))
	case bool:
		return x
	}
	return value != 0 && value != 0.0
}
