package config

import (
	"reflect"
	"slices"
	"strings"
)

// key is a key of slipway.yaml: a field of Config, or of a type below it, whose tags say
//
//	yaml      its name in the file
//	doc       what it means, for editors and docs/configuration.md
//	form      what its text must look like, one of forms; of a list or a mapping that of its
//	          elements, and of named sections that of their names
//	enum      the texts that it takes, between commas
//	default   what it is when it is left out
//	required  "yes" when its section needs it
//	oneof     "yes" when its section has exactly one of all such keys; "rest" when it may
//	          stand beside one of them, or alone
//	only      the key of the one mapping of named sections that knows it, when several have its type
//	whole     "yes" for a key of the file as a whole, which no environment has
//	names     what editors offer: "components" for those that ship
//
// Decoding, defaults, checks, the JSON schema and the tables of docs/configuration.md are
// made from them.
type key struct {
	field                                   int
	name, doc, form, standard, oneof, names string
	enum                                    []string
	required, whole                         bool
}

// keysOf returns the keys of a section: the value of t that stands below named, "" for
// one that has no name of its own.
func keysOf(t reflect.Type, named string) []key {
	var keys []key
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, only := tag.Get("yaml"), tag.Get("only")
		if name == "" || only != "" && only != named {
			continue
		}
		k := key{
			field: i, name: name, doc: tag.Get("doc"), form: tag.Get("form"), standard: tag.Get("default"),
			oneof: tag.Get("oneof"), names: tag.Get("names"), required: tag.Get("required") != "", whole: tag.Get("whole") != "",
		}
		if enum := tag.Get("enum"); enum != "" {
			k.enum = strings.Split(enum, ",")
		}
		keys = append(keys, k)
	}
	return keys
}

// namedBelow returns the key that the section at path has its name below: jobs for
// jobs.train.
func namedBelow(path []string) string {
	if len(path) < 2 {
		return ""
	}
	return path[len(path)-2]
}

// sections calls visit for each section of the configuration, from the top to the bottom:
// where it stands, its keys and the struct that has their values.
func (c *Config) sections(visit func(path []string, keys []key, v reflect.Value)) {
	walk(reflect.ValueOf(c), nil, visit)
}

func walk(v reflect.Value, path []string, visit func([]string, []key, reflect.Value)) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		walk(v.Elem(), path, visit)
	case v.Type() == reflect.TypeFor[map[string]*Config](): // environments, of which one is laid over the rest already
	case v.Kind() == reflect.Map:
		names := v.MapKeys()
		slices.SortFunc(names, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, name := range names {
			walk(v.MapIndex(name), join(path, name.String()), visit)
		}
	case v.Kind() == reflect.Struct:
		keys := keysOf(v.Type(), namedBelow(path))
		visit(path, keys, v)
		for _, k := range keys {
			walk(v.Field(k.field), join(path, k.name), visit)
		}
	}
}
