package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// changesRun reports whether an operation's run only changes that of its component.
func changesRun(m map[string]any) bool {
	run, _ := m["run"].(map[string]any)
	component, _ := m["component"].(map[string]any)
	return run != nil && run["kind"] == nil && component["run"] != nil
}

// patch checks a patch against the run that it is laid over. No key is required, and the
// kind must not change.
func (v *validator) patch(m map[string]any, p *file.Place, key string) {
	patch, ok := m[key].(map[string]any)
	kind := runKind(m)
	found, here, _ := v.tables.Union("run").Find(kind, v.version)
	if !ok || !here {
		return
	}
	path, at := v.child(p, key)
	if own, given := patch["kind"]; given && own != kind {
		v.fail("unknown-kind", at.At, append(path, "kind"), "", "runPatch cannot change the kind of the run from %s to %v", kind, own)
		return
	}
	if v.isVersion1() {
		for _, below := range orderedKeys(patch, at) {
			if path, place := v.child(at, below); patch[below] == nil {
				v.fail("missing-key", place.At, path, "", "%s needs a value", below)
			}
		}
	}
	before := len(v.problems)
	v.descend(key, func() { v.object(found.Object, patch, at) })
	kept := v.problems[:before]
	for _, problem := range v.problems[before:] {
		if problem.Name != "missing-key" {
			kept = append(kept, problem)
		}
	}
	v.problems = kept
}

// dag checks that a dag has operations.
func (v *validator) dag(m map[string]any, p *file.Place) {
	if operations, isList := m["operations"].([]any); isList && len(operations) == 0 {
		path, at := v.child(p, "operations")
		v.add(file.StageCompile, file.SeverityError, "missing-key", at.At, path, "list its operations", "the dag has no operations")
	}
}

// init checks that an initializer does one thing, and that git has a source.
func (v *validator) init(m map[string]any, p *file.Place) {
	var given []string
	initializer := v.parents[len(v.parents)-1].object
	for _, key := range []string{"artifacts", "paths", "git", "file", "dockerfile", "tensorboard", "lineageRef", "modelRef", "artifactRef"} {
		if _, here, _ := initializer.Find(key, v.version); here && m[key] != nil {
			given = append(given, key)
		}
	}
	if len(given) > 1 {
		path, at := v.child(p, given[1])
		v.fail("several-initializers", at.AtKey(), path, "split it into several elements", "an element of init must have only one of %s", strings.Join(given, " and "))
	}
	git, ok := m["git"].(map[string]any)
	if url, _ := git["url"].(string); ok && url == "" && m["connection"] == nil {
		path, at := v.child(p, "git")
		v.fail("missing-key", at.At, path, "", "git needs a url, or a connection beside it")
	}
}

// runKind returns the kind of an operation's run, or else that of its component's run. It
// returns "" when the kind is not known.
func runKind(m map[string]any) string {
	run, _ := m["run"].(map[string]any)
	kind, given := run["kind"].(string)
	if component, ok := m["component"].(map[string]any); ok && !given {
		return runKind(component)
	}
	return kind
}

// runtime checks the keys that stand beside a run.
func (v *validator) runtime(m map[string]any, p *file.Place) {
	v.patch(m, p, "runPatch")
	if changesRun(m) {
		v.patch(m, p, "run")
	}
	list, isList := m["cmd"].([]any)
	if text, isText := m["cmd"].(string); isText && strings.TrimSpace(text) == "" || isList && len(list) == 0 {
		path, at := v.child(p, "cmd")
		v.fail("bad-value", at.At, path, "", "cmd is empty")
	}
	if run, given := m["run"]; given && run == nil && v.stage == file.StageSubmit && !v.isVersion1() {
		path, at := v.child(p, "run")
		v.fail("missing-key", at.At, path, "", "%s needs a value", strings.Join(path, "."))
	}
	kind := runKind(m)
	if kind == "" || kind == "service" {
		return
	}
	if m["ports"] != nil {
		path, at := v.child(p, "ports")
		v.fail("only-for-services", at.AtKey(), path, "", "only a service has ports; the run is of kind %s", kind)
	}
	plugins, _ := m["plugins"].(map[string]any)
	for _, key := range []string{"sandbox", "ssh"} {
		if on := plugins[key]; on != nil && isTrue(on) && !v.anyVersion() && !v.version.Before(schema.ShortcutsSince()) {
			path := append(slices.Clone(v.path), "plugins", key)
			v.fail("only-for-services", v.file.AtKey(path...), path, "", "only a service has the plugin %s; the run is of kind %s", key, kind)
		}
	}
}

var uuid = lazyregexp.New(`^(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})$`)

// tensorboard checks that the uuids are valid.
func (v *validator) tensorboard(m map[string]any, p *file.Place) {
	path, at := v.child(p, "uuids")
	check := func(value any, path []string, at source.Position) {
		if text, ok := value.(string); ok && !uuid.MatchString(strings.TrimSpace(text)) {
			v.fail("bad-value", at, path, "", "%q is not a valid run UUID", text)
		}
	}
	if text, ok := m["uuids"].(string); ok && text != "" && !strings.Contains(text, "{{") {
		for _, one := range strings.Split(text, ",") {
			check(one, path, at.At)
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
