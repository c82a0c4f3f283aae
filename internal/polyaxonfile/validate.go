package polyaxonfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// Validate gives what a server of that version refuses, at once or when the run is
// compiled or its pod made; with the zero Version, what no known version takes.
// What a server takes by converting it is a warning. A file without a Root has no
// problems here: Load has told of them.
func (f *File) Validate(version Version) []Problem {
	if f.root == nil {
		return nil
	}
	tables, err := schema.Load()
	if err != nil {
		return []Problem{{Error: source.Error{Message: err.Error(), Err: err}, Stage: StageAdvice, Severity: SeverityError, Name: "not-yaml"}}
	}
	v := &validator{file: f, version: version, tables: tables, stage: StageSubmit}
	if f.IsVersion0() {
		return []Problem{f.version0()}
	}
	kind, given := f.root["kind"]
	if given && kind != "component" && kind != "operation" {
		v.fail("unknown-kind", f.At("kind"), []string{"kind"}, fileKindHint(f.root), "kind is component or operation, not %s", typeName(kind))
		return v.problems
	}
	if v.old() {
		v.version1(given)
	} else if !given && !version.Any() && version.Before(shortcuts) {
		v.fail("missing-kind", f.At(), nil, "add kind: component or kind: operation", "Polyaxon %s needs kind", version)
	}
	name := "component"
	if f.IsOperation() {
		name = "operation"
	}
	v.object(tables.Object(name), f.root, f.place)
	return v.problems
}

// Versions that brought something which is no key.
var (
	shortParams = Version{Major: 2, Minor: 13}
	shortcuts   = Version{Major: 2, Minor: 18}
)

// validator walks a file along the tables.
type validator struct {
	file     *File
	version  Version
	tables   *schema.Tables
	problems []Problem
	// path leads to the value that is looked at.
	path []string
	// stage is when a wrong value hurts there: StageRun within Kubernetes' objects,
	// of which Polyaxon knows the outermost keys only.
	stage Stage
	// around are the objects that lead to the value.
	around []level
	// dags are the components of the dags around, by name.
	dags []map[string]bool
}

// level is an object that is looked into, and how long the path to it is.
type level struct {
	object *schema.Object
	depth  int
}

// old tells whether only Polyaxon 1 is asked for; both, whether any version is.
func (v *validator) old() bool  { return v.version.Major == 1 }
func (v *validator) both() bool { return v.version.Any() }

func (v *validator) fail(name string, at source.Position, path []string, hint, format string, args ...any) {
	v.add(v.stage, SeverityError, name, at, path, hint, format, args...)
}

func (v *validator) add(stage Stage, severity Severity, name string, at source.Position, path []string, hint, format string, args ...any) {
	v.problems = append(v.problems, Problem{
		Error: source.Error{Position: at, Message: fmt.Sprintf(format, args...), Hint: hint},
		Stage: stage, Severity: severity, Name: name, Path: slices.Clone(path),
	})
}

// below gives the path of a key, and the place of its value.
func (v *validator) below(p *place, key string) (path []string, at *place) {
	if p != nil {
		at = p.fields[key]
	}
	if at == nil {
		at = &place{at: v.file.At(v.path...)}
	}
	return append(v.path[:len(v.path):len(v.path)], key), at
}

// into looks at the value of a key or an index.
func (v *validator) into(key string, look func()) {
	v.path = append(v.path, key)
	look()
	v.path = v.path[:len(v.path)-1]
}

func (v *validator) object(o *schema.Object, m map[string]any, p *place) {
	if o.Open {
		v.rules(o.Name, m, p)
		return
	}
	v.around = append(v.around, level{o, len(v.path)})
	defer func() { v.around = v.around[:len(v.around)-1] }()
	if o.Name == "dag" {
		v.dags = append(v.dags, componentNames(m))
		defer func() { v.dags = v.dags[:len(v.dags)-1] }()
	}
	meant := map[string]bool{} // keys that an unknown one stands for
	for _, key := range orderedKeys(m, p) {
		path, at := v.below(p, key)
		field, here, known := o.Find(key, v.version)
		if here && at.spelled != "" {
			v.misspelled(o, key, path, at)
		}
		switch {
		case !here && known:
			v.otherVersion(field.Range, path, at, describe(v.path, o.Name)+" has no key "+key)
		case !here:
			meant[v.unknown(o, key, path, at)] = true
		case key == "version" && len(path) == 1 && v.old(): // told of already
		case o.Name == "operation" && key == "run" && changesRun(m): // held against its component's run by rules
		case m[key] == nil && field.Required:
			v.fail("missing-key", at.at, path, "", "%s needs a value", strings.Join(path, "."))
		case m[key] != nil:
			stage := v.stage
			if o.Kubernetes {
				v.stage = StageRun
			}
			v.into(key, func() { v.value(field.Type, m[key], at) })
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

// value holds a value against what may stand there.
func (v *validator) value(t schema.Type, value any, p *place) {
	text, isText := value.(string)
	if isText && (v.stage == StageRun && templated(text) || strings.Contains(text, "{{") && v.takes(t, schema.Template)) {
		return // what it becomes is known when it is rendered
	}
	if isText && v.isCommand() {
		return // Polyaxon makes a list of it
	}
	before, best := len(v.problems), []Problem(nil)
	for _, c := range t {
		if !c.Has(v.version) {
			continue
		}
		fits := false
		switch x := value.(type) {
		case map[string]any:
			fits = v.mapping(c, x, p)
		case []any:
			fits = v.list(c, x, p)
		default:
			switch v.fit(c, value, p) {
			case exact:
				v.problems = v.problems[:before]
				v.dates(value, p)
				return
			case loose:
				v.add(StageAdvice, SeverityWarning, "loose-type", p.at, v.path, "", "%s should be %s, not %s: Polyaxon converts it",
					strings.Join(v.path, "."), describeChoice(c), typeName(value))
				fits = true
			}
		}
		if !fits {
			continue
		}
		found := slices.Clone(v.problems[before:])
		v.problems = v.problems[:before]
		if Errors(found) == nil {
			v.problems = append(v.problems, found...)
			if c.Form == schema.Any || c.Form == schema.Value {
				v.dates(value, p)
			}
			return
		}
		if best == nil {
			best = found
		}
	}
	if best != nil {
		v.problems = append(v.problems, best...)
		return
	}
	v.wrong(t, value, p)
}

// isCommand tells whether the value is the command or the arguments of a container.
func (v *validator) isCommand() bool {
	key := v.path[len(v.path)-1]
	return (key == "command" || key == "args") && v.around[len(v.around)-1].object == schema.Kubernetes("Container")
}

// dates refuses the dates of a free value: YAML makes them without quotes, and
// Polyaxon 1 cannot send them.
func (v *validator) dates(value any, p *place) {
	if p == nil || !v.old() {
		return
	}
	switch x := value.(type) {
	case map[string]any:
		for _, key := range orderedKeys(x, p) {
			_, at := v.below(p, key)
			v.into(key, func() { v.dates(x[key], at) })
		}
	case []any:
		for i, element := range x {
			if i < len(p.items) {
				v.into(strconv.Itoa(i), func() { v.dates(element, p.items[i]) })
			}
		}
	case string:
		if p.note&isDate != 0 {
			v.add(StageSubmit, SeverityError, "unquoted-date", p.at, v.path, "put it in quotes", "YAML makes a date of %s, which Polyaxon %s cannot send", x, v.version)
		}
	}
}

// takes tells whether one of the choices is that form.
func (v *validator) takes(t schema.Type, form schema.Form) bool {
	return slices.ContainsFunc(t, func(c schema.Choice) bool { return c.Form == form && c.Has(v.version) })
}

// mapping tells whether a mapping may stand where c does, and looks into it.
func (v *validator) mapping(c schema.Choice, m map[string]any, p *place) bool {
	switch c.Form {
	case schema.Mapping:
		v.object(c.Object, m, p)
	case schema.OneOf:
		v.union(c.Union, m, p)
	case schema.Map:
		for _, key := range orderedKeys(m, p) {
			path, at := v.below(p, key)
			if at.note&keyIsNoText != 0 {
				v.fail("key-no-text", keyOf(at), path, "put it in quotes", "YAML reads this key as %s, which is no text", key)
			}
			v.into(key, func() { v.element(c.Elem, m[key], at) })
		}
	case schema.Any, schema.Value:
	default:
		return false
	}
	return true
}

// list tells whether a list may stand where c does, and looks into it.
func (v *validator) list(c schema.Choice, list []any, p *place) bool {
	switch {
	case c.Form == schema.List:
		for i, item := range list {
			at := p
			if p != nil && i < len(p.items) {
				at = p.items[i]
			}
			v.into(strconv.Itoa(i), func() { v.element(c.Elem, item, at) })
		}
	case c.Form == schema.Mapping && c.Object.Compact:
		v.compact(c.Object, list, p)
	case c.Form == schema.Any, c.Form == schema.Value:
	default:
		return false
	}
	return true
}

// element is a value in a list or a mapping of anything, where nothing is wrong too.
func (v *validator) element(t schema.Type, value any, p *place) {
	switch m, isMap := value.(map[string]any); {
	case v.isParam(t) && (!isMap || !isParam(m)):
		// The short form of a param, NAME: VALUE.
		if !v.both() && v.version.Before(shortParams) {
			v.fail("newer-key", p.at, v.path, "write {value: ...}; the short form came with Polyaxon "+shortParams.Release(),
				"%s must be a mapping with value", strings.Join(v.path, "."))
		}
	case v.stage == StageRun && value != nil && isScalar(value) && v.takes(t, schema.Text):
		v.dates(value, p) // of whatever else an argument is, Polyaxon makes text
	case value == nil && v.stage == StageRun:
	default:
		v.value(t, value, p)
	}
}

func (v *validator) isParam(t schema.Type) bool {
	return slices.ContainsFunc(t, func(c schema.Choice) bool { return c.Object != nil && c.Object.Name == "shortparam" })
}

// isParam tells a param from the value of its short form.
func isParam(m map[string]any) bool {
	for _, key := range []string{"value", "ref", "contextOnly", "connection", "toInit", "toEnv"} {
		if _, ok := m[key]; ok {
			return true
		}
	}
	return false
}

// compact is an object written as the list of its values.
func (v *validator) compact(o *schema.Object, list []any, p *place) {
	keys := o.Keys(v.version)
	if least := len(o.Required(v.version)); len(list) < least || len(list) > len(keys) {
		v.fail("wrong-type", p.at, v.path, "", "%s is a list of %s, not of %d values", strings.Join(v.path, "."), strings.Join(keys, ", "), len(list))
		return
	}
	for i, item := range list {
		field, _, _ := o.Find(keys[i], v.version)
		v.into(strconv.Itoa(i), func() { v.value(field.Type, item, p.items[i]) })
	}
}

// overlaid tells whether the run that is looked at is laid over another one: that of
// a component or, in a preset, of any operation.
func (v *validator) overlaid() bool {
	if !v.both() && v.version.Before(shortcuts) {
		return false
	}
	var around any = v.file.root
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

func (v *validator) union(u *schema.Union, m map[string]any, p *place) {
	kind, _ := m["kind"].(string)
	path, at := v.below(p, "kind")
	found, here, known := u.Find(kind, v.version)
	what := people(u.Name)
	switch {
	case m["kind"] == nil && u.Name == "run" && v.overlaid():
		// Its kind is that of the run that it is laid over.
	case m["kind"] == nil:
		hint := "there are " + strings.Join(u.Names(v.version), ", ")
		if u.Name == "run" {
			hint = "a program that ends is a job, one that serves a service"
		}
		v.fail("missing-key", v.file.At(v.path...), v.path, hint, "%s needs kind", strings.Join(v.path, "."))
	case here:
		v.object(found.Object, m, p)
	case known:
		at.key = at.at
		v.otherVersion(found.Range, path, at, fmt.Sprintf("there is no %s of kind %s", what, kind))
	default:
		hint := "there are " + strings.Join(u.Names(v.version), ", ")
		if near, ok := meantKind(kind, u.Names(v.version)); ok {
			hint = "did you mean " + near + "?"
		}
		v.fail("unknown-kind", at.at, path, hint, "%v is no kind of %s", m["kind"], what)
	}
}

// people gives a union's name in words.
func people(name string) string {
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
