package check

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/source"
)

// rules checks what an object's table cannot express.
func (v *validator) rules(name string, m map[string]any, p *file.Place) {
	if kind := m["kind"]; (name == "operation" || name == "component") && kind != nil && len(v.path) > 0 && kind != "operation" && kind != "component" {
		path, at := v.child(p, "kind")
		v.fail("unknown-kind", at.At, path, "", "kind must be component or operation, not %s", typeName(kind))
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
	case "dag":
		v.dag(m, p)
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
		if text, ok := m["dnsPolicy"].(string); ok && !template.Has(text) {
			words := []string{"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"}
			if !slices.Contains(words, text) {
				path, at := v.child(p, "dnsPolicy")
				v.add(file.StageRun, file.SeverityError, "bad-value", at.At, path, "", "%s must be one of %s, not %q", strings.Join(path, "."), strings.Join(words, ", "), text)
			}
		}
	}
}

// operation checks that there is exactly one component.
func (v *validator) operation(m map[string]any, p *file.Place) {
	var given []string
	for _, key := range file.References() {
		if m[key] != nil {
			given = append(given, key)
		}
	}
	preset := m["isPreset"] == true
	switch {
	case len(given) > 1:
		path, at := v.child(p, given[1])
		v.add(file.StageAdvice, file.SeverityError, "several-components", at.AtKey(), path, "", "an operation must have only one of %s", strings.Join(given, " and "))
	case len(given) == 0 && !preset && !v.ownRun(m):
		v.fail("missing-key", v.file.At(v.path...), v.path, "", "an operation needs a component, or a pathRef to one")
	case len(given) == 1 && given[0] == "dagRef":
		v.dagRef(m, p)
	case len(given) == 1 && given[0] != "component":
		path, at := v.child(p, given[0])
		if at.Reported {
			return
		}
		v.fail("unresolved-reference", at.At, path, "servers do not resolve it: name a file that slipway reads, or put the component here", "%s is not resolved", given[0])
	}
}

// ownRun reports whether there is a run without a component, which 2.18 allows.
func (v *validator) ownRun(m map[string]any) bool {
	if !v.anyVersion() && v.version.Before(schema.ShortcutsSince()) {
		return false
	}
	return file.HasRun(m)
}

// dagRef checks that a dagRef names a component of the surrounding dag.
func (v *validator) dagRef(m map[string]any, p *file.Place) {
	name, ok := m["dagRef"].(string)
	path, at := v.child(p, "dagRef")
	switch {
	case !ok:
	case len(v.dags) == 0:
		v.fail("unresolved-reference", at.At, path, "use pathRef or component", "dagRef refers to a component of a dag, but this operation is not in a dag")
	case !v.dags[len(v.dags)-1][name]:
		hint := source.Suggest(name, "known names are ", plain.Keys(v.dags[len(v.dags)-1]))
		v.add(file.StageCompile, file.SeverityError, "unresolved-reference", at.At, path, hint, "the dag has no component %s", name)
	}
}

// component checks that there is a run, unless this is the component of a component.
func (v *validator) component(m map[string]any, p *file.Place) {
	if n := len(v.path); n > 1 && v.path[n-1] == "component" && v.path[n-2] == "component" || v.version.Before(schema.ShortcutsSince()) && !v.anyVersion() {
		return
	}
	given := ""
	for _, key := range file.References() {
		if m[key] != nil && m[key] != "" {
			given = key
		}
	}
	path, at := v.child(p, given)
	switch {
	case given != "" && given != "component" && !at.Reported:
		v.fail("unresolved-reference", at.At, path, "servers do not resolve it: put the component here", "%s is not resolved", given)
	case given == "" && !v.ownRun(m):
		v.fail("missing-key", v.file.At(v.path...), v.path, "", "the component needs run")
	}
}

// version1 checks what Polyaxon 1 requires and version 2 does not.
func (v *validator) version1(hasKind bool) {
	if given, ok := v.file.Root()["version"]; !ok {
		v.fail("version-missing", v.file.At(), nil, "add version: 1.1", "Polyaxon %s needs version", v.version)
	} else if given != 1.1 {
		hint := ""
		if given == "1.1" {
			hint = "write version: 1.1 without quotes"
		}
		v.fail("version-unknown", v.file.At("version"), []string{"version"}, hint, "version must be 1.1, not %s", typeName(given))
	}
	if !hasKind {
		v.fail("missing-kind", v.file.At(), nil, "add kind: component or kind: operation", "Polyaxon %s needs kind", v.version)
	}
}
