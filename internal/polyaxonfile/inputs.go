package polyaxonfile

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// inout is an input or an output of a component.
type inout struct {
	name, kind                   string
	value                        any
	hasValue                     bool
	optional, list, flag, delay  bool
	argFormat, toEnv, connection string
	options                      []any
}

// readIO gives the inputs or outputs of a component.
func readIO(component map[string]any, key string) []inout {
	list, _ := component[key].([]any)
	var all []inout
	for _, element := range list {
		m, ok := element.(map[string]any)
		if !ok {
			continue
		}
		x := inout{value: m["value"]}
		x.name, _ = m["name"].(string)
		x.kind, _ = m["type"].(string)
		x.optional, _ = m["isOptional"].(bool)
		x.list, _ = m["isList"].(bool)
		x.flag, _ = m["isFlag"].(bool)
		x.delay, _ = m["delayValidation"].(bool)
		x.argFormat, _ = m["argFormat"].(string)
		x.toEnv, _ = m["toEnv"].(string)
		x.connection, _ = m["connection"].(string)
		x.options, _ = m["options"].([]any)
		if validation, ok := m["validation"].(map[string]any); ok {
			if options, ok := validation["options"].([]any); ok {
				x.options = options
			}
			if delay, ok := validation["delay"].(bool); ok {
				x.delay = delay
			}
		}
		_, x.hasValue = m["value"]
		x.hasValue = x.hasValue && m["value"] != nil
		all = append(all, x)
	}
	return all
}

// required tells whether a run needs a param for the input.
func (x inout) required() bool { return !x.optional && !x.hasValue && !x.delay }

var (
	datePattern = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}$`)
	uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$`)
)

// convert gives a value as the input's type has it, with what both 1.11.3 and
// 2.18 take, and an error in Polyaxon's words.
func (x inout) convert(value any) (any, error) {
	if value == nil {
		if x.required() {
			return nil, fmt.Errorf("no value was provided for the non optional key %s", x.name)
		}
		return nil, nil
	}
	if x.list {
		list, ok := value.([]any)
		if text, isText := value.(string); isText {
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				for _, part := range strings.Split(text, ",") {
					list = append(list, part)
				}
			}
			ok = len(list) > 1 || strings.HasPrefix(strings.TrimSpace(text), "[")
		}
		if !ok {
			return nil, x.refuse(value, "list")
		}
		single := x
		single.list = false
		converted := make([]any, len(list))
		for i, element := range list {
			c, err := single.convert(plain(element))
			if err != nil {
				return nil, err
			}
			converted[i] = c
		}
		return converted, nil
	}
	converted, err := x.scalar(value)
	if err != nil {
		return nil, err
	}
	for _, option := range x.options {
		if equal(option, converted) {
			return converted, nil
		}
	}
	if len(x.options) > 0 {
		return nil, fmt.Errorf("could not parse value `%s` for `%s`, an error was encountered: Value `%s` must be one of the values `%s`", asText(value), x.name, asText(value), pythonRepr(x.options))
	}
	return converted, nil
}

func (x inout) refuse(value any, kind string) error {
	return fmt.Errorf("could not parse value `%s` for `%s`, an error was encountered: Cannot convert value `%s` (key: `%s`) to `%s`", asText(value), x.name, asText(value), x.name, kind)
}

func (x inout) scalar(value any) (any, error) {
	text, isText := value.(string)
	trimmed := strings.TrimSpace(text)
	switch x.kind {
	case "int":
		switch v := value.(type) {
		case int:
			return v, nil
		case bool:
			return nil, x.refuse(value, "int")
		case float64:
			if v == math.Trunc(v) {
				return int(v), nil
			}
		case string:
			if f, err := strconv.ParseFloat(trimmed, 64); err == nil && f == math.Trunc(f) && !strings.ContainsAny(trimmed, "xX_") {
				return int(f), nil
			}
		}
		return nil, x.refuse(value, "int")
	case "float", "metric":
		switch v := value.(type) {
		case int:
			return float64(v), nil
		case float64:
			return v, nil
		case string:
			if f, err := strconv.ParseFloat(trimmed, 64); err == nil && !strings.ContainsAny(trimmed, "xX_") {
				return f, nil
			}
		}
		return nil, x.refuse(value, "float")
	case "bool":
		if b, ok := value.(bool); ok {
			return b, nil
		}
		switch strings.ToLower(trimmed) {
		case "y", "yes", "t", "true", "on", "1":
			return true, nil
		case "n", "no", "f", "false", "off", "0":
			return false, nil
		}
		return nil, x.refuse(value, "bool")
	case "str", "path", "image":
		if isText {
			return text, nil
		}
		if encoded, err := json.Marshal(value); err == nil && x.kind != "image" {
			return string(encoded), nil
		}
		return nil, x.refuse(value, x.kind)
	case "dict", "metadata", "dict_of_dicts":
		if m, ok := value.(map[string]any); ok {
			return m, nil
		}
		var m map[string]any
		if isText && json.Unmarshal([]byte(text), &m) == nil {
			return plain(m), nil
		}
		return nil, x.refuse(value, x.kind)
	case "list":
		if list, ok := value.([]any); ok {
			return list, nil
		}
		var list []any
		if isText && json.Unmarshal([]byte(text), &list) == nil {
			return plain(list), nil
		}
		return nil, x.refuse(value, "list")
	case "date":
		if isText && datePattern.MatchString(text) {
			return text, nil
		}
		return nil, x.refuse(value, "date")
	case "datetime":
		if isText {
			for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
				if _, err := time.Parse(form, text); err == nil {
					return text, nil
				}
			}
		}
		return nil, x.refuse(value, "datetime")
	case "uuid":
		if isText && uuidPattern.MatchString(text) {
			return strings.ReplaceAll(text, "-", ""), nil
		}
		return nil, x.refuse(value, "uuid")
	}
	return value, nil
}

// plain makes of JSON's numbers those of a Polyaxonfile: whole ones are ints.
func plain(value any) any {
	switch x := value.(type) {
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int(x)
		}
	case []any:
		for i := range x {
			x[i] = plain(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = plain(x[k])
		}
	}
	return value
}

// clone copies plain values.
func clone(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return cloneAny(m).(map[string]any)
}

func cloneAny(value any) any {
	switch x := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(x))
		for k, v := range x {
			c[k] = cloneAny(v)
		}
		return c
	case []any:
		c := make([]any, len(x))
		for i, v := range x {
			c[i] = cloneAny(v)
		}
		return c
	}
	return value
}
