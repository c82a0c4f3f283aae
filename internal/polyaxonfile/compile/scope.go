package compile

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// display returns a param's value as templates see it.
func (s spec) display() any {
	if s.flag {
		if python.Truth(s.value) {
			return "--" + s.name
		}
		return ""
	}
	return s.typed()
}

func (s spec) typed() any {
	if s.kind != "str" {
		return s.value
	}
	if !s.list {
		return toText(s.value)
	}
	items, _ := python.Items(s.value)
	texts := make([]any, len(items))
	for i, item := range items {
		texts[i] = toText(item)
	}
	return texts
}

// toText encodes a value that is not text as JSON. nil stays nil.
func toText(value any) any {
	switch x := value.(type) {
	case nil:
		return nil
	case string:
		return x
	}
	return python.JSON(value)
}

// asString returns a param as an environment variable or an argument has it.
func (s spec) asString(version schema.Version) string {
	if _, isText := s.display().(string); !isText && s.value != nil && version.Major == 1 {
		return python.Dumps(s.typed())
	}
	text, _ := toText(s.display()).(string)
	return text
}

// asArgument returns the argument --name=value, or "" when there is no value.
func (s spec) asArgument(r *renderer) (any, error) {
	switch {
	case s.argFormat != "":
		if s.value == nil {
			return "", nil
		}
		return r.value(s.argFormat, map[string]any{s.name: s.typed()})
	case s.flag:
		return s.display(), nil
	case s.value == nil:
		return "", nil
	}
	return "--" + s.name + "=" + s.asString(r.version), nil
}

// scopeOf returns the variables that templates see: each param by its name, all of them
// in params, and besides.
func scopeOf(specs []spec, r *renderer, extra map[string]any) (map[string]any, error) {
	scope, byName, arguments := map[string]any{}, map[string]any{}, []any{}
	for _, s := range specs {
		argument, err := s.asArgument(r)
		if err != nil {
			return nil, err
		}
		scope[s.name] = s.display()
		byName[s.name] = map[string]any{
			"connection": orNil(s.connection), "value": s.typed(), "type": orNil(s.kind), "as_str": s.asString(r.version), "as_arg": argument,
		}
		if python.Truth(argument) {
			arguments = append(arguments, argument)
		}
	}
	for name, value := range extra {
		scope[name] = value
	}
	byName["as_args"] = arguments
	scope["params"] = byName
	return scope, nil
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// init returns the init container that a param creates, or nil when it creates none.
func (s spec) init(version schema.Version) (map[string]any, error) {
	if !s.toInit {
		return nil, nil
	}
	if s.kind == "" {
		return nil, compileErrorf("Param `%s` cannot be turned to an initializer without a valid type! Please set an input with a type to use the `to_init` field.", s.name)
	}
	key := map[string]string{"git": "git", "dockerfile": "dockerfile", "artifacts": "artifacts", "path": "paths"}[s.kind]
	if s.connection == "" && (key == "" || key == "paths") {
		return nil, compileErrorf("Param `%s` with type `%s`, cannot be turned to an init container automatically.", s.name, s.kind)
	}
	if key == "paths" && version.Major == 1 {
		key = "" // paths was introduced in 2.0
	}
	m := map[string]any{}
	switch {
	case key == "paths" && s.value != nil && !s.list:
		m[key] = []any{s.value}
	case key != "" && s.value != nil:
		m[key] = s.value
	}
	if s.connection != "" {
		m["connection"] = s.connection
	}
	return m, nil
}
