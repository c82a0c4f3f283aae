package config

import (
	"reflect"
	"slices"
	"strings"
)

// key is a key of slipway.yaml: a field of Config, or of a type below it. These are the
// tags of the field:
//
//	yaml      its name in the file
//	doc       its meaning, for editors and docs/configuration.md
//	form      the syntax of its text, one of forms; for a list or a mapping that of the
//	          elements, and for a mapping of named sections that of the names
//	enum      the texts that are allowed, separated by commas
//	default   its value when it is left out
//	required  "yes" if its section needs it
//	oneof     "yes" if its section needs exactly one of all such keys; "rest" if it may
//	          stand beside one of them, or alone
//	only      if several mappings of named sections share the type, the key of the only
//	          mapping whose sections have this key
//	fileonly  "yes" for a key of the whole file, which an environment cannot set
//	names     the names that editors offer: "components" for those that ship
//
// The decoder, the defaults, the checks, the JSON schema and the lists in
// docs/configuration.md are all derived from these tags.
type key struct {
	field                                       int
	name, doc, form, defaultValue, oneof, names string
	enum                                        []string
	required, fileOnly                          bool
}

// keysOf returns the keys of a section of type t. named is the key of the mapping of named
// sections that contains it, or "" if the section is not in one.
func keysOf(t reflect.Type, named string) []key {
	var keys []key
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, only := tag.Get("yaml"), tag.Get("only")
		if name == "" || only != "" && only != named {
			continue
		}
		k := key{
			field: i, name: name, doc: tag.Get("doc"), form: tag.Get("form"), defaultValue: tag.Get("default"),
			oneof: tag.Get("oneof"), names: tag.Get("names"), required: tag.Get("required") != "", fileOnly: tag.Get("fileonly") != "",
		}
		if enum := tag.Get("enum"); enum != "" {
			k.enum = strings.Split(enum, ",")
		}
		keys = append(keys, k)
	}
	return keys
}

// parentKey returns the last key but one of path, or "" if path is shorter. For a named
// section, such as jobs.train, it is the key of the mapping that contains it: jobs.
func parentKey(path []string) string {
	if len(path) < 2 {
		return ""
	}
	return path[len(path)-2]
}

// sections calls visit for each section of the configuration, parents first, with the
// path of the section, its keys and the struct that holds their values.
func (c *Config) sections(visit func(path []string, keys []key, v reflect.Value)) {
	walk(reflect.ValueOf(c), nil, visit)
}

func walk(v reflect.Value, path []string, visit func([]string, []key, reflect.Value)) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		walk(v.Elem(), path, visit)
	case v.Type() == reflect.TypeFor[map[string]*Config](): // the chosen environment is already merged into the rest
	case v.Kind() == reflect.Map:
		names := v.MapKeys()
		slices.SortFunc(names, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, name := range names {
			walk(v.MapIndex(name), join(path, name.String()), visit)
		}
	case v.Kind() == reflect.Struct:
		keys := keysOf(v.Type(), parentKey(path))
		visit(path, keys, v)
		for _, k := range keys {
			walk(v.Field(k.field), join(path, k.name), visit)
		}
	}
}
