// Package types implements the types of inputs and outputs: which values each type
// accepts, and what they are converted to.
package types

import (
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// IO is an input or an output of a component. Kind is its type, and Section is "inputs"
// or "outputs".
type IO struct {
	Name, Kind                   string
	Value                        any
	hasValue                     bool
	Optional, List, Flag, delay  bool
	ToInit                       bool
	ArgFormat, ToEnv, Connection string
	Validation                   map[string]any
	Section                      string
	// Entry is the mapping that the input or output was read from.
	Entry map[string]any
}

// ReadIO returns the inputs or the outputs of a component; key is "inputs" or "outputs".
func ReadIO(component map[string]any, key string) []IO {
	list, _ := component[key].([]any)
	var all []IO
	for _, element := range list {
		m, ok := element.(map[string]any)
		if !ok {
			continue
		}
		x := IO{Value: m["value"], hasValue: m["value"] != nil, Section: key, Entry: m}
		x.Name, _ = m["name"].(string)
		x.Kind, _ = m["type"].(string)
		x.Optional, _ = m["isOptional"].(bool)
		x.List, _ = m["isList"].(bool)
		x.Flag, _ = m["isFlag"].(bool)
		x.delay, _ = m["delayValidation"].(bool)
		x.ArgFormat, _ = m["argFormat"].(string)
		x.ToEnv, _ = m["toEnv"].(string)
		x.ToInit, _ = m["toInit"].(bool)
		x.Connection, _ = m["connection"].(string)
		x.Validation, _ = m["validation"].(map[string]any)
		if x.Validation == nil && m["options"] != nil {
			x.Validation = map[string]any{"options": m["options"]}
		}
		if delay, ok := x.Validation["delay"].(bool); ok {
			x.delay = delay
		}
		all = append(all, x)
	}
	return all
}

// Required reports whether a run needs a param for the input.
func (x IO) Required() bool { return !x.Optional && !x.hasValue && !x.delay }

// Convert converts a value to the input's type as any of the supported versions does. Its
// errors have Polyaxon's wording.
func (x IO) Convert(value any) (any, error) { return x.ConvertFor(value, schema.Version{}) }

// ConvertFor converts a value to the input's type as a version does. The zero Version
// accepts what any version accepts.
func (x IO) ConvertFor(value any, version schema.Version) (any, error) {
	if x.Kind == "" {
		return value, nil
	}
	if value == nil {
		if !x.Optional {
			return nil, x.valueErrorf(value, "No value was provided for the non optional key `%s`.", x.Name)
		}
		return nil, nil
	}
	if version.Major == 1 {
		return x.convert1(value)
	}
	converted, err := x.convert2(value)
	if err != nil && version.Any() {
		if old, err := x.convert1(value); err == nil {
			return old, nil
		}
	}
	return converted, err
}

// Explain explains in a few words why a value cannot be converted. When the type is not the
// reason, it returns Polyaxon's wording.
func (x IO) Explain(value any, err error) string {
	if x.Kind == "" || !errors.As(err, new(*conversionError)) {
		return err.Error()
	}
	kind := x.Kind
	if x.List {
		kind = "list of " + kind
	}
	return fmt.Sprintf("the input's type is %s, but the value is %s", kind, python.Repr(value))
}

func (x IO) valueErrorf(value any, format string, args ...any) error {
	return fmt.Errorf("Could not parse value `%s` for `%s`, an error was encountered: "+format, append([]any{python.Str(value), x.Name}, args...)...) //nolint:staticcheck // Polyaxon's words
}

// conversionError reports a value that cannot be converted to the type of its input. The
// message has Polyaxon's wording.
type conversionError struct{ error }

func (x IO) conversionError(value any) error {
	kind := x.Kind
	if x.List {
		kind = "List[" + kind + "]"
	}
	return &conversionError{x.valueErrorf(value, "Cannot convert value `%s` (key: `%s`) to `%s`", python.Str(value), x.Name, kind)}
}

// convert2 converts a value as Polyaxon 2 does.
func (x IO) convert2(value any) (any, error) {
	kind := x.Kind
	if x.List {
		kind = "List[" + kind + "]"
	}
	if text, ok := value.(string); ok && x.Loadable() {
		loaded, err := python.ParseJSON(text)
		if err != nil {
			return nil, x.conversionError(value)
		}
		value = loaded
		if loaded == nil && !strings.HasPrefix(kind, "Optional") && kind != "any" {
			return nil, x.conversionError(text)
		}
	}
	converted, ok := convertKind(kind, value)
	if !ok {
		return nil, x.conversionError(value)
	}
	return converted, x.validate(converted)
}

// Loadable reports whether a text is parsed as JSON first.
func (x IO) Loadable() bool {
	switch x.Kind {
	case "any", "str", "bool", "path", "date", "datetime", "timedelta", "uuid", "email", "uri", "gcs", "s3", "wasb", "image", "":
		return x.List
	}
	return true
}

// CheckDefault checks an input's default value against its type. Polyaxon 1.x treats
// values that are false in Python, such as "" or 0, as no value.
func (x IO) CheckDefault(version schema.Version) error {
	if x.Value == nil || x.Kind == "" || version.Major == 1 && !python.Truth(x.Value) {
		return nil
	}
	_, err := x.ConvertFor(x.Value, version)
	return err
}
