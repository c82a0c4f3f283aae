package config

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/source"
)

// decoder decodes YAML nodes into a Config and collects the errors.
type decoder struct {
	file   string
	lookup func(string) (string, bool)
	// partial is set while an environment is decoded by itself. Required keys may be missing
	// there, and environment variables may be unset.
	partial bool
	// unset is set once a variable without a default turned out to be unset.
	unset     bool
	positions map[string]source.Position
	errs      []*source.Error
}

func newDecoder(file string, lookup func(string) (string, bool)) *decoder {
	if lookup == nil {
		lookup = func(string) (string, bool) { return "", false }
	}
	return &decoder{file: file, lookup: lookup, positions: map[string]source.Position{}}
}

func (d *decoder) at(n *yaml.Node) source.Position {
	return source.Position{File: d.file, Line: n.Line, Column: n.Column}
}

func (d *decoder) fail(n *yaml.Node, hint, format string, args ...any) {
	d.errs = append(d.errs, &source.Error{Position: d.at(n), Message: fmt.Sprintf(format, args...), Hint: hint})
}

// decodeConfig decodes the mapping root, found at path, into c.
func (d *decoder) decodeConfig(root *yaml.Node, c *Config, path ...string) {
	d.decode(root, reflect.ValueOf(c).Elem(), path, key{})
}

// decode decodes n into v. n is the value of k at path, or an element of that value.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path []string, k key) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if len(path) > 0 {
		d.positions[strings.Join(path, "\x00")] = d.at(n)
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && len(path) > 0 {
		d.fail(n, "give it a value, or leave the key out", "%s is empty", strings.Join(path, "."))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path, k)
	case reflect.Struct:
		d.decodeSection(n, v, path)
	case reflect.Map:
		d.decodeMap(n, v, path, k)
	case reflect.Slice:
		d.decodeSlice(n, v, path, k)
	case reflect.Interface:
		if value := d.any(n); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		d.decodeScalar(n, v, path, k)
	}
}

// pairs returns the keys and values of a mapping. Merge keys, keys that are not scalars
// and repetitions of a key are errors and are left out.
func (d *decoder) pairs(n *yaml.Node, path []string) [][2]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "", "%s must be a mapping, not %s", pathLabel(path), kind(n))
		return nil
	}
	seen := map[string]*yaml.Node{}
	var pairs [][2]*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.fail(key, "", "a key of %s must be text, not %s", pathLabel(path), kind(key))
		case key.Tag == "!!merge":
			d.fail(key, "write the keys out", "merge keys (<<) are not allowed")
		case seen[key.Value] != nil:
			d.fail(key, "", "duplicate key %s: already set at line %d", key.Value, seen[key.Value].Line)
		default:
			seen[key.Value] = key
			pairs = append(pairs, [2]*yaml.Node{key, n.Content[i+1]})
		}
	}
	return pairs
}

// valueAt returns the value of a key of the mapping n, or nil if it has no such key.
func valueAt(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// decodeSection decodes a mapping into a struct, and sets the defaults of the keys that
// are left out.
func (d *decoder) decodeSection(n *yaml.Node, v reflect.Value, path []string) {
	keys := keysOf(v.Type(), parentKey(path))
	given := map[string]bool{}
	for _, pair := range d.pairs(n, path) {
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == pair[0].Value })
		if i < 0 {
			d.unknown(pair[0], path, keys)
			continue
		}
		k := keys[i]
		given[k.name] = true
		switch field := v.Field(k.field); {
		case k.fileOnly && d.partial:
			d.fail(pair[0], "", "%s cannot be set in an environment", k.name)
		case field.Type() == reflect.TypeFor[map[string]*Config](): // overlay reads them
		default:
			d.decode(pair[1], field, join(path, k.name), k)
		}
	}
	if n.Kind != yaml.MappingNode || d.partial {
		return
	}
	for _, k := range keys {
		field := v.Field(k.field)
		switch {
		case k.required && !given[k.name]:
			d.fail(n, "", "%s needs %s", pathLabel(path), k.name)
		case k.defaultValue != "" && field.IsZero() && (!given[k.name] || field.Kind() == reflect.String):
			d.decodeScalar(&yaml.Node{Kind: yaml.ScalarNode, Value: k.defaultValue}, field, join(path, k.name), k)
		}
	}
}

// unknown adds the error for a key that the section does not have. Its hint is the
// nearest key, or all keys.
func (d *decoder) unknown(n *yaml.Node, path []string, keys []key) {
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	sort.Strings(names)
	d.fail(n, source.Suggest(n.Value, "known keys are ", names), "%s has no key %s", pathLabel(path), n.Value)
}

func (d *decoder) decodeMap(n *yaml.Node, v reflect.Value, path []string, k key) {
	v.Set(reflect.MakeMap(v.Type()))
	element := v.Type().Elem()
	for _, pair := range d.pairs(n, path) {
		key := pair[0].Value
		// The names of images, jobs and the like are limited by the systems that use them. The
		// keys of data are free.
		if element.Kind() == reflect.Pointer && !forms[k.form].matches(key) {
			d.fail(pair[0], "", "%s is not a valid name for %s: use %s", strconv.Quote(key), pathLabel(path), forms[k.form].description)
			continue
		}
		value := reflect.New(element).Elem()
		d.decode(pair[1], value, join(path, key), k)
		v.SetMapIndex(reflect.ValueOf(key), value)
	}
}

func (d *decoder) decodeSlice(n *yaml.Node, v reflect.Value, path []string, k key) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "put it in brackets: [...]", "%s must be a list, not %s", pathLabel(path), kind(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, len(n.Content))) // an empty list is not one that is left out
	for i, item := range n.Content {
		element := reflect.New(v.Type().Elem()).Elem()
		d.decode(item, element, join(path, strconv.Itoa(i)), k)
		v.Set(reflect.Append(v, element))
	}
}

// pathLabel returns what error messages call the value at path.
func pathLabel(path []string) string {
	if len(path) == 0 {
		return FileName
	}
	return strings.Join(path, ".")
}

func join(path []string, key string) []string {
	return append(append(make([]string, 0, len(path)+1), path...), key)
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}
