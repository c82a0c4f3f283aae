package config

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Schema gives the JSON schema (draft 2020-12) of slipway.yaml, for editors. It
// is made from the types that the decoder fills.
func Schema() ([]byte, error) {
	root := schemaOf(reflect.TypeFor[fileSpec](), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = FileName
	text, err := json.MarshalIndent(root, "", "  ")
	return append(text, '\n'), err
}

func schemaOf(t reflect.Type, tag reflect.StructTag) map[string]any {
	s := map[string]any{}
	if doc := tag.Get("doc"); doc != "" {
		s["description"] = doc
	}
	switch t.Kind() {
	case reflect.Pointer:
		inner := schemaOf(t.Elem(), "")
		for k, v := range inner {
			s[k] = v
		}
	case reflect.Struct:
		schemaOfStruct(t, s)
	case reflect.Map:
		s["type"] = "object"
		s["additionalProperties"] = schemaOf(t.Elem(), elementTag(t.Elem(), tag))
		if p := tag.Get("pattern"); p != "" && t.Elem().Kind() == reflect.Pointer {
			s["propertyNames"] = map[string]any{"pattern": patterns[p].expression.String()}
		}
	case reflect.Slice:
		s["type"] = "array"
		s["items"] = schemaOf(t.Elem(), elementTag(t.Elem(), tag))
	case reflect.Int:
		s["type"], s["minimum"] = []string{"integer", "string"}, 0
	case reflect.Float64:
		s["type"], s["minimum"] = []string{"number", "string"}, 0
	case reflect.Int64: // duration
		s["type"] = "string"
	case reflect.Bool:
		s["type"] = "boolean"
	case reflect.String:
		s["type"] = "string"
		if enum := tag.Get("enum"); enum != "" {
			s["enum"] = strings.Split(enum, ",")
		}
	}
	return s
}

func schemaOfStruct(t reflect.Type, s map[string]any) {
	s["type"] = "object"
	if t == reflect.TypeFor[overlaidSpec]() {
		s["$ref"] = "#"
		s["not"] = map[string]any{"required": []string{"environments"}}
		return
	}
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		field := t.Field(i)
		key := field.Tag.Get("yaml")
		properties[key] = schemaOf(field.Type, field.Tag)
		if field.Tag.Get("required") != "" {
			required = append(required, key)
		}
	}
	s["properties"], s["additionalProperties"] = properties, false
	if len(required) > 0 {
		s["required"] = required
	}
}

// elementTag hands on what a container's tag says of its elements.
func elementTag(element reflect.Type, tag reflect.StructTag) reflect.StructTag {
	if element.Kind() == reflect.String && tag.Get("enum") != "" {
		return reflect.StructTag(`enum:"` + tag.Get("enum") + `"`)
	}
	return ""
}
