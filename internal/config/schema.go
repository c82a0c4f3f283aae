package config

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Schema gives the JSON schema (draft 2020-12) of slipway.yaml, for editors. It
// is made from the types that the decoder fills; components are the names of those
// that ship.
func Schema(components []string) ([]byte, error) {
	whole := schema{components: components}
	root := whole.of(reflect.TypeFor[fileSpec](), "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = FileName
	part := schema{components: components, partial: true}
	environment := part.of(reflect.TypeFor[fileSpec](), "")
	properties, _ := environment["properties"].(map[string]any)
	delete(properties, "environments")
	root["$defs"] = map[string]any{"environment": environment}
	text, err := json.MarshalIndent(root, "", "  ")
	return append(text, '\n'), err
}

// schema makes schemas of types. That of an environment is partial: what it lays over
// the rest need not be whole.
type schema struct {
	components []string
	partial    bool
}

// variables is what a pattern takes besides: a value that the environment gives.
const variables = `\$\{`

func (x schema) of(t reflect.Type, tag reflect.StructTag) map[string]any {
	s := map[string]any{}
	if doc := tag.Get("doc"); doc != "" {
		s["description"] = doc
	}
	switch t.Kind() {
	case reflect.Pointer:
		for k, v := range x.of(t.Elem(), "") {
			s[k] = v
		}
		if t.Elem().Kind() != reflect.Struct {
			x.scalar(t.Elem(), tag, s)
		}
	case reflect.Struct:
		x.object(t, s)
	case reflect.Map:
		s["type"] = "object"
		s["additionalProperties"] = x.of(t.Elem(), elementTag(t.Elem(), tag))
		if p := tag.Get("pattern"); p != "" && t.Elem().Kind() == reflect.Pointer {
			s["propertyNames"] = map[string]any{"pattern": patterns[p].expression.String()}
		}
	case reflect.Slice:
		s["type"] = "array"
		s["items"] = x.of(t.Elem(), elementTag(t.Elem(), tag))
	default:
		x.scalar(t, tag, s)
	}
	return s
}

func (x schema) scalar(t reflect.Type, tag reflect.StructTag, s map[string]any) {
	if standard := tag.Get("default"); standard != "" {
		s["default"] = standard
	}
	switch t.Kind() {
	case reflect.Int:
		s["type"], s["minimum"], s["pattern"] = []string{"integer", "string"}, 0, variables
	case reflect.Float64:
		s["type"], s["minimum"], s["pattern"] = []string{"number", "string"}, 0, variables
	case reflect.Int64: // duration
		s["type"], s["pattern"] = "string", "^[0-9]+[dhms]([0-9]+[hms])*$|"+variables
	case reflect.Bool:
		s["type"] = "boolean"
	case reflect.String:
		s["type"] = "string"
		words := strings.Split(tag.Get("enum"), ",")
		if tag.Get("names") == "components" {
			words = x.components
		}
		if len(words) > 0 && words[0] != "" {
			delete(s, "type")
			s["anyOf"] = []any{map[string]any{"enum": words}, map[string]any{"type": "string", "pattern": variables}}
		} else if p := pattern(tag); p != "" {
			s["pattern"] = p + "|" + variables
		}
	}
}

// pattern is what a text of a field looks like, "" for any.
func pattern(tag reflect.StructTag) string {
	switch p := tag.Get("pattern"); {
	case p == "source":
		return "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|gcp-secret-manager:projects/[^/]+/secrets/.+)$"
	case p != "":
		return patterns[p].expression.String()
	case tag.Get("path") != "": // inside the repository
		return `^([^/.]|\.[^.]|\.$|\.\.[^/])`
	}
	return ""
}

func (x schema) object(t reflect.Type, s map[string]any) {
	if t == reflect.TypeFor[overlaidSpec]() {
		s["$ref"] = "#/$defs/environment"
		return
	}
	s["type"] = "object"
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		field := t.Field(i)
		key := field.Tag.Get("yaml")
		properties[key] = x.of(field.Type, field.Tag)
		if field.Tag.Get("required") != "" {
			required = append(required, key)
		}
	}
	s["properties"], s["additionalProperties"] = properties, false
	if x.partial {
		return
	}
	if len(required) > 0 {
		s["required"] = required
	}
	if one := exclusive(t); len(one) > 0 {
		s["oneOf"] = one
	}
}

// exclusive gives the keys of which an object has exactly one.
func exclusive(t reflect.Type) []any {
	has := func(key string) map[string]any { return map[string]any{"required": []string{key}} }
	switch t {
	case reflect.TypeFor[clusterSpec]():
		return []any{has("gke"), has("kubeconfig")}
	case reflect.TypeFor[volumeSpec]():
		return []any{has("connection"), has("claim")}
	case reflect.TypeFor[secretSpec]():
		return []any{has("data"), has("docker-registry")}
	case reflect.TypeFor[jobSpec](), reflect.TypeFor[serviceSpec]():
		return []any{has("polyaxonfile"), has("component")}
	case reflect.TypeFor[imageSpec]():
		files := has("files")
		files["not"] = map[string]any{"anyOf": []any{has("go"), has("python"), has("dockerfile")}}
		return []any{has("go"), has("python"), has("dockerfile"), files}
	}
	return nil
}

// elementTag hands on what a container's tag says of its elements.
func elementTag(element reflect.Type, tag reflect.StructTag) reflect.StructTag {
	if element.Kind() != reflect.String {
		return ""
	}
	var kept []string
	for _, key := range []string{"enum", "pattern", "path"} {
		if value := tag.Get(key); value != "" {
			kept = append(kept, key+`:"`+value+`"`)
		}
	}
	return reflect.StructTag(strings.Join(kept, " "))
}
