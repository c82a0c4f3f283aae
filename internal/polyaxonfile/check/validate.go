// Package check checks a file against what servers accept: the tables of a version, and
// the rules that tables cannot express.
package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// Validate returns what a server of a version refuses when the run is submitted, when it
// is compiled, or when its pod is created. With the zero Version it returns what no
// supported version accepts. A value that a server accepts by converting it is a warning.
// Validate returns nothing for a file without a Root, whose problems Load has reported.
func Validate(f *file.File, version schema.Version) []file.Problem {
	if f.Root() == nil {
		return nil
	}
	tables, err := schema.Load()
	if err != nil {
		return []file.Problem{{Error: source.Error{Message: err.Error(), Err: err}, Stage: file.StageAdvice, Severity: file.SeverityError, Name: "not-yaml"}}
	}
	v := &validator{file: f, version: version, tables: tables, stage: file.StageSubmit}
	if IsVersion0(f) {
		return []file.Problem{version0(f)}
	}
	kind, given := f.Root()["kind"]
	if given && kind != "component" && kind != "operation" {
		v.fail("unknown-kind", f.At("kind"), []string{"kind"}, fileKindHint(f.Root()), "kind must be component or operation, not %s", typeName(kind))
		return v.problems
	}
	if v.isVersion1() {
		v.version1(given)
	} else if !given && !version.Any() && version.Before(schema.ShortcutsSince()) {
		v.fail("missing-kind", f.At(), nil, "add kind: component or kind: operation", "Polyaxon %s needs kind", version)
	}
	name := "component"
	if f.IsOperation() {
		name = "operation"
	}
	v.object(tables.Object(name), f.Root(), f.Place())
	return v.problems
}

// The versions that introduced something other than a key.
var (
	shortParams = schema.Version{Major: 2, Minor: 13}
)

// validator walks through a file along the tables.
type validator struct {
	file     *file.File
	version  schema.Version
	tables   *schema.Tables
	problems []file.Problem
	// path leads to the current value.
	path []string
	// stage is the stage at which a wrong value takes effect. It is StageRun inside Kubernetes
	// objects, of which Polyaxon checks only the outermost keys.
	stage file.Stage
	// parents are the objects that lead to the current value.
	parents []level
	// dags are the names of the components of the surrounding dags.
	dags []map[string]bool
}

// level is an object on the way to the current value, and the length of its path.
type level struct {
	object *schema.Object
	depth  int
}

// isVersion1 reports whether the version is Polyaxon 1. anyVersion reports whether any
// version may accept the value.
func (v *validator) isVersion1() bool { return v.version.Major == 1 }
func (v *validator) anyVersion() bool { return v.version.Any() }

func (v *validator) fail(name string, at source.Position, path []string, hint, format string, args ...any) {
	v.add(v.stage, file.SeverityError, name, at, path, hint, format, args...)
}

func (v *validator) add(stage file.Stage, severity file.Severity, name string, at source.Position, path []string, hint, format string, args ...any) {
	v.problems = append(v.problems, file.Problem{
		Error: source.Error{Position: at, Message: fmt.Sprintf(format, args...), Hint: hint},
		Stage: stage, Severity: severity, Name: name, Path: slices.Clone(path),
	})
}

// child returns the path of a key, and the place of its value.
func (v *validator) child(p *file.Place, key string) (path []string, at *file.Place) {
	if p != nil {
		at = p.Fields[key]
	}
	if at == nil {
		at = &file.Place{At: v.file.At(v.path...)}
	}
	return append(v.path[:len(v.path):len(v.path)], key), at
}

// descend calls look with the path extended by a key or an index.
func (v *validator) descend(key string, look func()) {
	v.path = append(v.path, key)
	look()
	v.path = v.path[:len(v.path)-1]
}

func (v *validator) object(o *schema.Object, m map[string]any, p *file.Place) {
	if o.Open {
		v.rules(o.Name, m, p)
		return
	}
	v.parents = append(v.parents, level{o, len(v.path)})
	defer func() { v.parents = v.parents[:len(v.parents)-1] }()
	if o.Name == "dag" {
		v.dags = append(v.dags, componentNames(m))
		defer func() { v.dags = v.dags[:len(v.dags)-1] }()
	}
	meant := map[string]bool{} // keys that an unknown key was probably meant for
	for _, key := range orderedKeys(m, p) {
		path, at := v.child(p, key)
		field, here, known := o.Find(key, v.version)
		if here && at.Spelled != "" {
			v.misspelled(o, key, path, at)
		}
		switch {
		case !here && known:
			v.otherVersion(field.Range, path, at, describe(v.path, o.Name)+" has no key "+key)
		case !here:
			meant[v.unknown(o, key, path, at)] = true
		case key == "version" && len(path) == 1 && v.isVersion1(): // already reported
		case o.Name == "operation" && key == "run" && changesRun(m): // rules checks it
		case m[key] == nil && field.Required:
			v.fail("missing-key", at.At, path, "", "%s needs a value", strings.Join(path, "."))
		case m[key] != nil:
			stage := v.stage
			if o.Kubernetes {
				v.stage = file.StageRun
			}
			v.descend(key, func() { v.value(field.Type, m[key], at) })
			v.stage = stage
		}
	}
	for _, key := range o.Required(v.version) {
		if _, ok := m[key]; !ok && !meant[key] {
			at, hint := v.file.At(v.path...), ""
			v.fail("missing-key", at, v.path, hint, "%s needs %s", describe(v.path, o.Name), key)
		}
	}
	v.rules(o.Name, m, p)
}
