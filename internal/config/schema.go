package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// Schema returns the JSON schema (draft 2020-12) of slipway.yaml, for editors. It is
// derived from the types that the decoder fills. components are the names of the
// components that ship.
func Schema(components []string) ([]byte, error) {
	root := schema{components: components}.section(reflect.TypeFor[Config](), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = FileName
	part := schema{components: components, partial: true}
	root["$defs"] = map[string]any{"environment": part.section(reflect.TypeFor[Config](), "environments")}
	text, err := json.MarshalIndent(root, "", "  ")
	return append(text, '\n'), err
}

// schema builds schemas of types. The schema of an environment is partial: no key is
// required.
type schema struct {
	components []string
	partial    bool
}

// variables is the alternative that every pattern accepts: a value with an environment
// variable.
const variables = `\$\{`

// of returns the schema of a value of k, whose Go type is t.
func (x schema) of(t reflect.Type, k key) map[string]any {
	s := map[string]any{}
	switch t.Kind() {
	case reflect.Pointer:
		return x.of(t.Elem(), k)
	case reflect.Struct:
		s = x.section(t, k.name)
	case reflect.Map:
		s["type"] = "object"
		s["additionalProperties"] = x.of(t.Elem(), k.element())
		if t.Elem().Kind() == reflect.Pointer && k.form != "" {
			s["propertyNames"] = map[string]any{"pattern": forms[k.form].pattern.String()}
		}
	case reflect.Slice:
		s["type"] = "array"
		s["items"] = x.of(t.Elem(), k.element())
	default:
		x.scalar(t, k, s)
	}
	if k.doc != "" {
		s["description"] = k.doc
	}
	return s
}

// element returns the key as it applies to the elements of its value.
func (k key) element() key { return key{name: k.name, form: k.form, enum: k.enum} }

func (x schema) scalar(t reflect.Type, k key, s map[string]any) {
	plain := func(text string) any {
		if n, err := strconv.Atoi(text); t.Kind() == reflect.Int && err == nil {
			return n
		}
		return text
	}
	if k.defaultValue != "" {
		s["default"] = plain(k.defaultValue)
	}
	words := k.enum
	if k.names == "components" {
		words = x.components
	}
	switch {
	case len(words) > 0:
		var values []any
		for _, word := range words {
			values = append(values, plain(word))
			if number, err := strconv.ParseFloat(word, 64); err == nil && forms[k.form].literal {
				values = append(values, number) // the value without quotes
			}
		}
		s["anyOf"] = []any{map[string]any{"enum": values}, map[string]any{"type": "string", "pattern": variables}}
	case t == reflect.TypeFor[time.Duration]():
		s["type"], s["pattern"] = "string", "^[0-9]+[dhms]([0-9]+[hms])*$|"+variables
	case t.Kind() == reflect.Int:
		s["type"], s["minimum"], s["pattern"] = []string{"integer", "string"}, 0, variables
	case t.Kind() == reflect.Float64:
		s["type"], s["minimum"], s["pattern"] = []string{"number", "string"}, 0, variables
	case t.Kind() == reflect.Bool:
		s["type"] = "boolean"
	case t.Kind() == reflect.String:
		s["type"] = "string"
		if pattern := forms[k.form].pattern; pattern != nil {
			s["pattern"] = pattern.String() + "|" + variables
		}
	}
}

// section returns the schema of a section of type t below the key named.
func (x schema) section(t reflect.Type, named string) map[string]any {
	if t == reflect.TypeFor[Config]() && named == "environments" && !x.partial {
		return map[string]any{"$ref": "#/$defs/environment"}
	}
	properties, required := map[string]any{}, []string{}
	keys := keysOf(t, named)
	for _, k := range keys {
		if k.fileOnly && x.partial {
			continue
		}
		properties[k.name] = x.of(t.Field(k.field).Type, k)
		if k.required {
			required = append(required, k.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if x.partial {
		return s
	}
	if len(required) > 0 {
		s["required"] = required
	}
	if one := exclusive(keys); len(one) > 0 {
		s["oneOf"] = one
	}
	return s
}

// exclusive returns the alternatives of a section that needs exactly one of several keys.
func exclusive(keys []key) []any {
	has := func(key string) map[string]any { return map[string]any{"required": []string{key}} }
	var one, rest []any
	for _, k := range keys {
		switch k.oneof {
		case "yes":
			one = append(one, has(k.name))
		case "rest":
			rest = append(rest, has(k.name))
		}
	}
	for _, alone := range rest {
		alone.(map[string]any)["not"] = map[string]any{"anyOf": slices.Clone(one)}
	}
	return append(one, rest...)
}
