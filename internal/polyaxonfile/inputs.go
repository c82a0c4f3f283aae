package polyaxonfile

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// inout is an input or an output of a component.
type inout struct {
	name, kind                   string
	value                        any
	hasValue                     bool
	optional, list, flag, delay  bool
	toInit                       bool
	argFormat, toEnv, connection string
	validation                   map[string]any
	section                      string
	// entry is the mapping that it was read from.
	entry map[string]any
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
		x := inout{value: m["value"], hasValue: m["value"] != nil, section: key, entry: m}
		x.name, _ = m["name"].(string)
		x.kind, _ = m["type"].(string)
		x.optional, _ = m["isOptional"].(bool)
		x.list, _ = m["isList"].(bool)
		x.flag, _ = m["isFlag"].(bool)
		x.delay, _ = m["delayValidation"].(bool)
		x.argFormat, _ = m["argFormat"].(string)
		x.toEnv, _ = m["toEnv"].(string)
		x.toInit, _ = m["toInit"].(bool)
		x.connection, _ = m["connection"].(string)
		x.validation, _ = m["validation"].(map[string]any)
		if x.validation == nil && m["options"] != nil {
			x.validation = map[string]any{"options": m["options"]}
		}
		if delay, ok := x.validation["delay"].(bool); ok {
			x.delay = delay
		}
		all = append(all, x)
	}
	return all
}

// required tells whether a run needs a param for the input.
func (x inout) required() bool { return !x.optional && !x.hasValue && !x.delay }

// convert gives a value as the input's type has it in one of the versions that
// slipway knows, and an error in Polyaxon's words.
func (x inout) convert(value any) (any, error) { return x.convertFor(value, Version{}) }

// convertFor gives a value as the input's type has it in a version; the zero
// Version takes what any version takes.
func (x inout) convertFor(value any, version Version) (any, error) {
	if x.kind == "" {
		return value, nil
	}
	if value == nil {
		if !x.optional {
			return nil, x.misfit(value, "No value was provided for the non optional key `%s`.", x.name)
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

// why says in a few words why a value cannot be converted; where it is not for its
// type, in Polyaxon's.
func (x inout) why(value any, err error) string {
	if x.kind == "" || !strings.Contains(err.Error(), "Cannot convert value") {
		return err.Error()
	}
	kind := x.kind
	if x.list {
		kind = "list of " + kind
	}
	return fmt.Sprintf("the input's type is %s, and %s is none", kind, python.Repr(value))
}

func (x inout) misfit(value any, format string, args ...any) error {
	return fmt.Errorf("Could not parse value `%s` for `%s`, an error was encountered: "+format, append([]any{python.Str(value), x.name}, args...)...) //nolint:staticcheck // Polyaxon's words
}

func (x inout) refuse(value any) error {
	kind := x.kind
	if x.list {
		kind = "List[" + kind + "]"
	}
	return x.misfit(value, "Cannot convert value `%s` (key: `%s`) to `%s`", python.Str(value), x.name, kind)
}

// convert2 is Polyaxon 2's way.
func (x inout) convert2(value any) (any, error) {
	kind := x.kind
	if x.list {
		kind = "List[" + kind + "]"
	}
	if text, ok := value.(string); ok && x.loadable() {
		loaded, err := python.ParseJSON(text)
		if err != nil {
			return nil, x.refuse(value)
		}
		value = loaded
		if loaded == nil && !strings.HasPrefix(kind, "Optional") && kind != "any" {
			return nil, x.refuse(text)
		}
	}
	converted, ok := convertKind(kind, value)
	if !ok {
		return nil, x.refuse(value)
	}
	return converted, x.validate(converted)
}

// loadable tells whether a text is read as JSON first.
func (x inout) loadable() bool {
	switch x.kind {
	case "any", "str", "bool", "path", "date", "datetime", "timedelta", "uuid", "email", "uri", "gcs", "s3", "wasb", "image", "":
		return x.list
	}
	return true
}

// validate holds a value against what validation says.
func (x inout) validate(value any) error {
	if value == nil || len(x.validation) == 0 {
		return nil
	}
	each := []any{value}
	items, isList := python.Items(value)
	keys, get, isMapping := python.Mapping(value)
	switch {
	case isList:
		each = items
	case isMapping:
		each = nil
		for _, key := range keys {
			element, _ := get(key)
			each = append(each, element)
		}
	}
	for _, rule := range []string{
		"gt", "ge", "lt", "le", "multipleOf", "minDigits", "maxDigits", "decimalPlaces", "regex", "minLength", "maxLength", "contains", "excludes", "options",
	} {
		if limit := x.validation[rule]; limit != nil {
			for _, element := range each {
				if err := x.rule(rule, element, limit); err != nil {
					return err
				}
			}
		}
	}
	for _, rule := range []string{"minItems", "maxItems", "keys", "containsKeys", "excludesKeys"} {
		if limit := x.validation[rule]; limit != nil && (isList || isMapping) {
			if err := x.ruleOfAll(rule, value, limit); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x inout) rule(rule string, value, limit any) error {
	broken := func(words string) error {
		return x.misfit(value, "Value `%s` "+words+" `%s`", python.Str(value), python.Str(limit))
	}
	length := func() (int, bool) {
		if text, ok := value.(string); ok {
			return len([]rune(text)), true
		}
		if items, ok := python.Items(value); ok {
			return len(items), true
		}
		keys, _, ok := python.Mapping(value)
		return len(keys), ok
	}
	n, _ := python.Number(limit)
	switch rule {
	case "gt", "ge", "lt", "le":
		order, comparable := python.Compare(value, limit)
		ok := comparable && map[string]bool{"gt": order > 0, "ge": order >= 0, "lt": order < 0, "le": order <= 0}[rule]
		if !ok {
			return broken(map[string]string{"gt": "must be greater than", "ge": "must be greater than or equal to", "lt": "must be less than", "le": "must be less than or equal to"}[rule])
		}
	case "multipleOf":
		v, isNumber := python.Number(value)
		if !isNumber || n == 0 || v-n*float64(int(v/n)) != 0 {
			return broken("must be a multiple of")
		}
	case "minDigits", "maxDigits":
		digits := len(strings.ReplaceAll(python.Str(value), ".", ""))
		if rule == "minDigits" && digits < int(n) || rule == "maxDigits" && digits > int(n) {
			return broken("must have so many digits:")
		}
	case "decimalPlaces":
		_, places, found := strings.Cut(python.Str(value), ".")
		if !found || len(places) > int(n) {
			return broken("must have at most so many decimal places:")
		}
	case "regex":
		text, isText := value.(string)
		pattern, err := regexp.Compile("^(?:" + python.Str(limit) + ")")
		if !isText || err != nil || !pattern.MatchString(text) {
			return broken("must match the regex")
		}
	case "minLength", "maxLength":
		size, has := length()
		if !has || rule == "minLength" && size < int(n) || rule == "maxLength" && size > int(n) {
			return broken("must have so many characters:")
		}
	case "contains", "excludes":
		found, sensible := holds(value, limit)
		if !sensible || found != (rule == "contains") {
			return broken("must have, or not have,")
		}
	case "options":
		found, sensible := holds(limit, value)
		if !sensible || !found {
			return broken("must be one of the values")
		}
	}
	return nil
}

// holds is Python's in.
func holds(container, value any) (found, sensible bool) {
	if text, ok := container.(string); ok {
		part, ok := value.(string)
		return strings.Contains(text, part), ok
	}
	if items, ok := python.Items(container); ok {
		for _, item := range items {
			if python.Equal(item, value) {
				return true, true
			}
		}
		return false, true
	}
	if _, get, ok := python.Mapping(container); ok {
		_, found := get(value)
		return found, true
	}
	return false, false
}

func (x inout) ruleOfAll(rule string, value, limit any) error {
	items, _ := python.Items(value)
	keys, _, isMapping := python.Mapping(value)
	size := max(len(items), len(keys))
	n, _ := python.Number(limit)
	wanted, _ := python.Items(limit)
	var ok bool
	switch rule {
	case "minItems":
		ok = size >= int(n)
	case "maxItems":
		ok = size <= int(n)
	default:
		if !isMapping {
			return nil
		}
		all, none := true, true
		for _, key := range wanted {
			found, _ := holds(value, key)
			all, none = all && found, none && !found
		}
		ok = map[string]bool{"keys": all && len(keys) == len(wanted), "containsKeys": all, "excludesKeys": none}[rule]
	}
	if !ok {
		return x.misfit(value, "Value `%s` breaks %s `%s`", python.Str(value), rule, python.Str(limit))
	}
	return nil
}
