package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// value checks a value against a type.
func (v *validator) value(t schema.Type, value any, p *file.Place) {
	text, isText := value.(string)
	if isText && (v.stage == file.StageRun && template.Has(text) || strings.Contains(text, "{{") && v.accepts(t, schema.Template)) {
		return // its value is known only after rendering
	}
	if isText && v.isCommand() {
		return // Polyaxon converts it to a list
	}
	before, best := len(v.problems), []file.Problem(nil)
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
			case convertible:
				v.add(file.StageAdvice, file.SeverityWarning, "loose-type", p.At, v.path, "", "%s should be %s, not %s: Polyaxon converts it",
					strings.Join(v.path, "."), describeChoice(c), typeName(value))
				fits = true
			}
		}
		if !fits {
			continue
		}
		found := slices.Clone(v.problems[before:])
		v.problems = v.problems[:before]
		if file.Errors(found) == nil {
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
	v.reportWrongType(t, value, p)
}

// isCommand reports whether the value is the command or the arguments of a container.
func (v *validator) isCommand() bool {
	key := v.path[len(v.path)-1]
	return (key == "command" || key == "args") && v.parents[len(v.parents)-1].object == schema.Kubernetes("Container")
}

// dates reports unquoted dates in a value of any type. YAML reads them as dates, which
// Polyaxon 1 cannot send.
func (v *validator) dates(value any, p *file.Place) {
	if p == nil || !v.isVersion1() {
		return
	}
	switch x := value.(type) {
	case map[string]any:
		for _, key := range orderedKeys(x, p) {
			_, at := v.child(p, key)
			v.descend(key, func() { v.dates(x[key], at) })
		}
	case []any:
		for i, element := range x {
			if i < len(p.Items) {
				v.descend(strconv.Itoa(i), func() { v.dates(element, p.Items[i]) })
			}
		}
	case string:
		if p.IsDate() {
			v.add(file.StageSubmit, file.SeverityError, "unquoted-date", p.At, v.path, "put it in quotes", "YAML reads %s as a date, which Polyaxon %s cannot send", x, v.version)
		}
	}
}

// accepts reports whether one of the choices has this form.
func (v *validator) accepts(t schema.Type, form schema.Form) bool {
	return slices.ContainsFunc(t, func(c schema.Choice) bool { return c.Form == form && c.Has(v.version) })
}

// mapping reports whether a choice accepts mappings, and checks the mapping against it.
func (v *validator) mapping(c schema.Choice, m map[string]any, p *file.Place) bool {
	switch c.Form {
	case schema.Mapping:
		v.object(c.Object, m, p)
	case schema.OneOf:
		v.union(c.Union, m, p)
	case schema.Map:
		for _, key := range orderedKeys(m, p) {
			path, at := v.child(p, key)
			if at.KeyIsNotText() {
				v.fail("key-no-text", at.AtKey(), path, "put it in quotes", "YAML reads this key as %s, which is not text", key)
			}
			v.descend(key, func() { v.element(c.Elem, m[key], at) })
		}
	case schema.Any, schema.Value:
	default:
		return false
	}
	return true
}

// list reports whether a choice accepts lists, and checks the list against it.
func (v *validator) list(c schema.Choice, list []any, p *file.Place) bool {
	switch {
	case c.Form == schema.List:
		for i, item := range list {
			at := p
			if p != nil && i < len(p.Items) {
				at = p.Items[i]
			}
			v.descend(strconv.Itoa(i), func() { v.element(c.Elem, item, at) })
		}
	case c.Form == schema.Mapping && c.Object.Compact:
		v.compact(c.Object, list, p)
	case c.Form == schema.Any, c.Form == schema.Value:
	default:
		return false
	}
	return true
}

// element checks a value in a list or in a mapping with arbitrary keys, where null is not
// accepted either.
func (v *validator) element(t schema.Type, value any, p *file.Place) {
	switch m, isMap := value.(map[string]any); {
	case v.isParam(t) && (!isMap || !types.IsParam(m)):
		// This is the short form of a param, NAME: VALUE.
		if !v.anyVersion() && v.version.Before(shortParams) {
			v.fail("newer-key", p.At, v.path, "write {value: ...}; the short form was added in Polyaxon "+shortParams.Release(),
				"%s must be a mapping with value", strings.Join(v.path, "."))
		}
	case v.stage == file.StageRun && value != nil && isScalar(value) && v.accepts(t, schema.Text):
		v.dates(value, p) // Polyaxon converts any other scalar to text
	case value == nil && v.stage == file.StageRun:
	default:
		v.value(t, value, p)
	}
}

func (v *validator) isParam(t schema.Type) bool {
	return slices.ContainsFunc(t, func(c schema.Choice) bool { return c.Object != nil && c.Object.Name == "shortparam" })
}

// compact checks an object that is written as the list of its values.
func (v *validator) compact(o *schema.Object, list []any, p *file.Place) {
	keys := o.Keys(v.version)
	if least := len(o.Required(v.version)); len(list) < least || len(list) > len(keys) {
		v.fail("wrong-type", p.At, v.path, "", "%s is a list of %s, not of %d values", strings.Join(v.path, "."), strings.Join(keys, ", "), len(list))
		return
	}
	for i, item := range list {
		field, _, _ := o.Find(keys[i], v.version)
		v.descend(strconv.Itoa(i), func() { v.value(field.Type, item, p.Items[i]) })
	}
}
