// Package shape converts the values of a valid file as a server of a version does when it
// reads them, according to the tables of package schema.
package shape

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Shaper converts the values of a valid file as a server of a version does when it reads
// them: yes becomes true where a boolean is expected, a text becomes a list where a list
// is expected, and a date gets its time zone.
type Shaper struct {
	Tables  *schema.Tables
	Version schema.Version
}

// New returns the Shaper for a version.
func New(version schema.Version) (*Shaper, error) {
	tables, err := schema.Load()
	if err != nil {
		return nil, err
	}
	return &Shaper{tables, version}, nil
}

// ValidationError reports a value that a server does not accept. Path leads to the value,
// and Message is the server's message.
type ValidationError struct {
	Path    []string
	Message string
	// UnknownArgument reports whether the value is a key that a class of Kubernetes does
	// not have.
	UnknownArgument bool
}

// Error returns the message that a server returns.
func (e *ValidationError) Error() string {
	return "1 validation error for V1CompiledOperation\n" + strings.Join(e.Path, ".") + "\n  " + e.Message
}

// prefixPath prepends a key to the path of a ValidationError.
func prefixPath(key string, err error) error {
	if m, ok := err.(*ValidationError); ok { //nolint:errorlint // never wrapped
		m.Path = append([]string{key}, m.Path...)
	}
	return err
}

// Object converts a mapping. Keys whose value is null stay, as nil: in a patch they clear
// the value.
func (s *Shaper) Object(o *schema.Object, m map[string]any) (map[string]any, error) {
	shaped := make(map[string]any, len(m))
	for key, value := range m {
		field, here, _ := o.Find(key, s.Version)
		if !here {
			if o.Open {
				shaped[key] = cleaned(value)
				continue
			}
			if o.Kubernetes {
				return nil, &ValidationError{Path: []string{key}, Message: o.Name + " got an unexpected keyword argument '" + key + "'", UnknownArgument: true}
			}
			return nil, &ValidationError{Path: []string{key}, Message: "Extra inputs are not permitted [type=extra_forbidden]"}
		}
		if value == nil || o.Kubernetes {
			shaped[key] = cleaned(value)
			continue
		}
		if text, ok := value.(string); ok && (key == "tags" || key == "presets") && isFile(o) && s.Version.Major != 1 {
			value = splitList(text)
		}
		result, err := s.value(field.Type, value)
		if err != nil {
			return nil, prefixPath(key, err)
		}
		shaped[key] = result
	}
	for _, key := range o.Required(s.Version) {
		if _, ok := m[key]; !ok && !o.Kubernetes {
			return nil, &ValidationError{Path: []string{key}, Message: "Field required [type=missing]"}
		}
	}
	switch {
	case o.Name == "io" && s.Version.Major != 1:
		s.io(shaped)
	case o.Name == "dockerfile" && s.Version.Major == 1:
		for key, value := range map[string]any{"filename": "Dockerfile", "workdir": "/code", "shell": "/bin/bash"} {
			if shaped[key] == nil {
				shaped[key] = value
			}
		}
	}
	return shaped, nil
}

func isFile(o *schema.Object) bool {
	return o.Name == "operation" || o.Name == "component" || o.Name == "compiled_operation"
}

// splitList converts a comma-separated text to a list.
func splitList(text string) []any {
	list := []any{}
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// io marks an input that has a value as optional, and moves options to validation.
func (s *Shaper) io(m map[string]any) {
	if _, given := m["value"]; given {
		if _, said := m["isOptional"]; !said {
			m["isOptional"] = true
		}
	}
	validation, _ := m["validation"].(map[string]any)
	if options := m["options"]; options != nil {
		if validation == nil {
			validation = map[string]any{}
			m["validation"] = validation
		}
		validation["options"] = options
		delete(m, "options")
	}
}

// NotTextPrefix is the prefix of a key that a template rendered to something other than text.
const NotTextPrefix = "\x00"

func acceptsAny(t schema.Type) bool { return accepts(t, schema.Any) }

func accepts(t schema.Type, form schema.Form) bool {
	return slices.ContainsFunc(t, func(c schema.Choice) bool { return c.Form == form })
}

// element converts an element of a list or of a mapping. Most types do not accept null.
func (s *Shaper) element(t schema.Type, value any) (any, error) {
	if value == nil && s.Version.Major == 1 && accepts(t, schema.Value) {
		return "null", nil // 1.11.3 writes a null label as this text
	}
	if value == nil && !acceptsAny(t) {
		return nil, &ValidationError{Message: "Input should be a valid value [type=type_error]"}
	}
	return s.value(t, value)
}

// value converts a value by the first choice that accepts it unchanged, or else by the
// first choice that can convert it.
func (s *Shaper) value(t schema.Type, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	var first error
	for _, exact := range []bool{true, false} {
		for _, choice := range t {
			if !choice.Has(s.Version) {
				continue
			}
			result, ok, err := s.choice(choice, value, exact)
			if ok {
				return result, nil
			}
			if err != nil && first == nil {
				first = err
			}
		}
	}
	if first == nil {
		first = &ValidationError{Message: "Input should be another type [type=type_error]"}
	}
	return nil, first
}

func (s *Shaper) choice(c schema.Choice, value any, exact bool) (any, bool, error) {
	switch c.Form {
	case schema.List:
		list, ok := value.([]any)
		if !ok {
			return nil, false, nil
		}
		shaped := make([]any, len(list))
		for i, element := range list {
			result, err := s.element(c.Elem, element)
			if err != nil {
				return nil, false, prefixPath(strconv.Itoa(i), err)
			}
			shaped[i] = result
		}
		return shaped, true, nil
	case schema.Map:
		m, ok := value.(map[string]any)
		if !ok {
			return nil, false, nil
		}
		shaped := make(map[string]any, len(m))
		for key, element := range m {
			if len(c.Elem) > 0 && c.Elem[0].Form == schema.Mapping && c.Elem[0].Object.Name == "shortparam" {
				element = longParam(element)
			}
			result, err := s.element(c.Elem, element)
			plain, numbered := strings.CutPrefix(key, NotTextPrefix)
			if numbered && s.Version.Major == 1 {
				key, numbered = plain, false
			}
			if numbered && !acceptsAny(c.Elem) {
				err = &ValidationError{Message: "Input should be a valid string [type=string_type]"}
			}
			if err != nil {
				return nil, false, prefixPath(plain, err)
			}
			shaped[key] = result
		}
		return shaped, true, nil
	case schema.Mapping:
		m, ok := value.(map[string]any)
		if !ok {
			return s.compact(c.Object, value)
		}
		shaped, err := s.Object(s.entry(c.Object, m), m)
		return shaped, err == nil, err
	case schema.OneOf:
		m, ok := value.(map[string]any)
		if !ok {
			return nil, false, nil
		}
		name, _ := m["kind"].(string)
		kind, here, _ := c.Union.Find(name, s.Version)
		if !here {
			if c.Union.Name == "run" && m["kind"] == nil && !s.Version.Before(schema.ShortcutsSince()) {
				return plain.Copy(m), true, nil // it is laid over the component's run
			}
			return nil, false, &ValidationError{Path: []string{"kind"}, Message: "Value error, Unsupported kind: " + python.Repr(m["kind"]) + "."}
		}
		shaped, err := s.Object(kind.Object, m)
		return shaped, err == nil, err
	}
	if s.Version.Major == 1 {
		if result, ok := shapeScalar1(c, value, exact); ok {
			return result, true, nil
		}
	}
	result, ok := shapeScalar(c, value, exact)
	return result, ok, nil
}

// entry returns the object of a file that is nested in another file. Its kind may select
// the object.
func (s *Shaper) entry(o *schema.Object, m map[string]any) *schema.Object {
	if o.Name == "component" && m["kind"] == "operation" {
		return s.Tables.Object("operation")
	}
	return o
}

// compact converts a list of an object's values, or a text of the values joined by
// colons, to the object.
func (s *Shaper) compact(o *schema.Object, value any) (any, bool, error) {
	values, ok := value.([]any)
	if text, isText := value.(string); isText {
		ok = true
		for _, part := range strings.Split(text, ":") {
			number, err := python.ParseJSON(strings.TrimSpace(part))
			if err != nil {
				return nil, false, nil //nolint:nilerr // it does not fit
			}
			values = append(values, number)
		}
	}
	keys := o.Keys(s.Version)
	if !o.Compact || !ok || len(values) > len(keys) {
		return nil, false, nil
	}
	m := map[string]any{}
	for i, value := range values {
		m[keys[i]] = value
	}
	shaped, err := s.Object(o, m)
	return shaped, err == nil, err
}

// longParam returns a param in its long form.
func longParam(value any) any {
	m, ok := value.(map[string]any)
	if !ok {
		return map[string]any{"value": value}
	}
	for _, key := range []string{"value", "ref", "toInit", "toEnv", "contextOnly", "connection"} {
		if _, given := m[key]; given {
			return m
		}
	}
	if len(m) == 0 {
		return m
	}
	return map[string]any{"value": m}
}
