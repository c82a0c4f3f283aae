package check

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// overlaid reports whether the current run is laid over another one: that of a component
// or, in a preset, that of any operation.
func (v *validator) overlaid() bool {
	if !v.anyVersion() && v.version.Before(schema.ShortcutsSince()) {
		return false
	}
	var around any = v.file.Root()
	for _, key := range v.path[:len(v.path)-1] {
		switch x := around.(type) {
		case map[string]any:
			around = x[key]
		case []any:
			i, _ := strconv.Atoi(key)
			around = x[i]
		}
	}
	m, _ := around.(map[string]any)
	return m["isPreset"] == true || m["component"] != nil
}

func (v *validator) union(u *schema.Union, m map[string]any, p *file.Place) {
	kind, _ := m["kind"].(string)
	path, at := v.child(p, "kind")
	found, here, known := u.Find(kind, v.version)
	what := unionLabel(u.Name)
	switch {
	case m["kind"] == nil && u.Name == "run" && v.overlaid():
		// The kind is that of the run that it is laid over.
	case m["kind"] == nil:
		hint := "known kinds are " + strings.Join(u.Names(v.version), ", ")
		if u.Name == "run" {
			hint = "a program that ends is a job, one that serves a service"
		}
		v.fail("missing-key", v.file.At(v.path...), v.path, hint, "%s needs kind", strings.Join(v.path, "."))
	case here:
		v.object(found.Object, m, p)
	case known:
		v.otherVersion(found.Range, path, &file.Place{At: at.At}, fmt.Sprintf("unknown kind of %s: %s", what, kind))
	default:
		hint := "known kinds are " + strings.Join(u.Names(v.version), ", ")
		if near, ok := suggestKind(kind, u.Names(v.version)); ok {
			hint = "did you mean " + near + "?"
		}
		v.fail("unknown-kind", at.At, path, hint, "unknown kind of %s: %v", what, m["kind"])
	}
}

// unionLabel returns the name of a union for messages.
func unionLabel(name string) string {
	switch name {
	case "hp":
		return "search space"
	case "earlyStopping":
		return "early stopping"
	case "stoppingPolicy":
		return "stopping policy"
	}
	return name
}
