package config

import (
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// decoder turns nodes into the types of file.go and collects what is wrong.
type decoder struct {
	file      string
	lookup    func(string) (string, bool)
	positions map[string]source.Position
	errs      []*source.Error
}

// maxNodes and maxDepth are far more than any configuration has, and little for a
// machine.
const (
	maxNodes = 100_000
	maxDepth = 50
)

// bounded tells whether a tree stays small once its aliases are put in, and fails
// otherwise: an alias may repeat much, or contain itself.
func (d *decoder) bounded(root *yaml.Node) bool {
	nodes := 0
	var walk func(*yaml.Node, int) bool
	walk = func(n *yaml.Node, depth int) bool {
		if nodes++; nodes > maxNodes || depth > maxDepth {
			return false
		}
		if n.Kind == yaml.AliasNode {
			return walk(n.Alias, depth+1)
		}
		for _, child := range n.Content {
			if !walk(child, depth+1) {
				return false
			}
		}
		return true
	}
	if !walk(root, 0) {
		d.fail(root, "", "the file is nested too deeply, or too large once its aliases are put in")
		return false
	}
	return true
}

func (d *decoder) at(n *yaml.Node) source.Position {
	return source.Position{File: d.file, Line: n.Line, Column: n.Column}
}

func (d *decoder) fail(n *yaml.Node, hint, format string, args ...any) {
	d.errs = append(d.errs, &source.Error{Position: d.at(n), Message: fmt.Sprintf(format, args...), Hint: hint})
}

// decode puts n, which stands at path, into v.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path []string, tag reflect.StructTag) {
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
		d.decode(n, v.Elem(), path, tag)
	case reflect.Struct:
		d.decodeStruct(n, v, path)
	case reflect.Map:
		d.decodeMap(n, v, path, tag)
	case reflect.Slice:
		d.decodeSlice(n, v, path, tag)
	case reflect.Interface:
		if value := d.any(n); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		d.decodeScalar(n, v, path, tag)
	}
}

// pairs gives a mapping's keys and values, each key once.
func (d *decoder) pairs(n *yaml.Node, path []string) [][2]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "", "%s must be a mapping, not %s", name(path), kind(n))
		return nil
	}
	seen := map[string]*yaml.Node{}
	var pairs [][2]*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.fail(key, "", "a key of %s must be a name, not %s", name(path), kind(key))
		case key.Tag == "!!merge":
			d.fail(key, "write the keys out", "merge keys (<<) are not allowed")
		case seen[key.Value] != nil:
			d.fail(key, "", "key %s is repeated: it stands at line %d already", key.Value, seen[key.Value].Line)
		default:
			seen[key.Value] = key
			pairs = append(pairs, [2]*yaml.Node{key, n.Content[i+1]})
		}
	}
	return pairs
}

func (d *decoder) decodeStruct(n *yaml.Node, v reflect.Value, path []string) {
	fields, names := map[string]int{}, []string{}
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		fields[key] = i
		names = append(names, key)
	}
	given := map[string]bool{}
	for _, pair := range d.pairs(n, path) {
		key := pair[0].Value
		i, ok := fields[key]
		if !ok {
			hint := ""
			if near, close := source.Nearest(key, names); close {
				hint = "did you mean " + near + "?"
			} else {
				sort.Strings(names)
				hint = "it takes " + strings.Join(names, ", ")
			}
			d.fail(pair[0], hint, "%s has no key %s", name(path), key)
			continue
		}
		given[key] = true
		d.decode(pair[1], v.Field(i), join(path, key), v.Type().Field(i).Tag)
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag; tag.Get("required") != "" && !given[tag.Get("yaml")] {
			d.fail(n, "", "%s needs %s", name(path), tag.Get("yaml"))
		}
	}
}

func (d *decoder) decodeMap(n *yaml.Node, v reflect.Value, path []string, tag reflect.StructTag) {
	v.Set(reflect.MakeMap(v.Type()))
	element := v.Type().Elem()
	for _, pair := range d.pairs(n, path) {
		key := pair[0].Value
		// Named things have names that their system takes; data has any keys.
		if p := tag.Get("pattern"); p != "" && element.Kind() == reflect.Pointer && !patterns[p].expression.MatchString(key) {
			d.fail(pair[0], "", "%s is no name for %s: use %s", strconv.Quote(key), name(path), patterns[p].meaning)
			continue
		}
		value := reflect.New(element).Elem()
		d.decode(pair[1], value, join(path, key), tag)
		v.SetMapIndex(reflect.ValueOf(key), value)
	}
}

func (d *decoder) decodeSlice(n *yaml.Node, v reflect.Value, path []string, tag reflect.StructTag) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "put it in brackets: [...]", "%s must be a list, not %s", name(path), kind(n))
		return
	}
	for i, item := range n.Content {
		element := reflect.New(v.Type().Elem()).Elem()
		d.decode(item, element, join(path, strconv.Itoa(i)), tag)
		v.Set(reflect.Append(v, element))
	}
}

func (d *decoder) decodeScalar(n *yaml.Node, v reflect.Value, path []string, tag reflect.StructTag) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, "", "%s must be a single value, not %s", name(path), kind(n))
		return
	}
	text, expanded, ok := d.expand(n)
	if !ok {
		return
	}
	resolved := d.resolve(n, text)
	shown := strconv.Quote(text)
	if expanded {
		shown = "what the environment gives" // which may be a secret
	}
	if v.Type() == reflect.TypeFor[duration]() {
		limit, ok := parseDuration(text)
		if !ok {
			d.fail(n, "write it as 90s, 30m, 6h or 2d", "%s is no time limit: %s", name(path), shown)
			return
		}
		v.SetInt(int64(limit))
		return
	}
	switch v.Kind() {
	case reflect.Int:
		number, isNumber := resolved.(int)
		if !isNumber || number < 0 {
			d.fail(n, "", "%s must be a whole number from 0, not %s", name(path), shown)
			return
		}
		v.SetInt(int64(number))
	case reflect.Float64:
		whole, isWhole := resolved.(int)
		number, isNumber := resolved.(float64)
		if isWhole {
			number, isNumber = float64(whole), true
		}
		if !isNumber || math.IsNaN(number) || math.IsInf(number, 0) || number < 0 {
			d.fail(n, "", "%s must be a number from 0, not %s", name(path), shown)
			return
		}
		v.SetFloat(number)
	case reflect.Bool:
		on, isBool := resolved.(bool)
		if !isBool {
			d.fail(n, "", "%s must be true or false, not %s", name(path), shown)
			return
		}
		v.SetBool(on)
	case reflect.String:
		d.decodeString(n, v, path, tag, text, resolved, shown)
	default:
		d.fail(n, "", "%s cannot be read", name(path))
	}
}

func (d *decoder) decodeString(n *yaml.Node, v reflect.Value, path []string, tag reflect.StructTag, text string, resolved any, shown string) {
	if tag.Get("pattern") == "source" {
		shown = "what stands there, which may be a secret and is not shown"
	}
	// Environment variables and build arguments are text, however they look.
	literal := len(path) > 1 && (path[len(path)-2] == "env" || path[len(path)-2] == "build-args")
	if _, isText := resolved.(string); !isText && !literal {
		d.fail(n, "put it in quotes", "%s must be text, and %s is read as %s", name(path), shown, typeName(resolved))
		return
	}
	if enum := tag.Get("enum"); enum != "" {
		values := strings.Split(enum, ",")
		if !contains(values, text) {
			d.fail(n, "", "%s is %s or %s, not %s", name(path), strings.Join(values[:len(values)-1], ", "), values[len(values)-1], shown)
			return
		}
	}
	if err := checkString(tag, text); err != "" {
		d.fail(n, "", "%s must be %s, not %s", name(path), err, shown)
		return
	}
	v.SetString(text)
}

// checkString gives what text should be, "" when it is.
func checkString(tag reflect.StructTag, text string) string {
	switch p := tag.Get("pattern"); p {
	case "":
	case "source":
		if _, err := secret.ParseSource(text); err != nil {
			return "env:NAME, file:PATH or gcp-secret-manager:projects/P/secrets/S"
		}
	default:
		if !patterns[p].expression.MatchString(text) {
			return patterns[p].meaning
		}
	}
	if tag.Get("path") != "" && !inside(text) {
		return "a path inside the repository, without .. that leaves it"
	}
	if tag.Get("required") != "" && text == "" {
		return "given"
	}
	return ""
}

// any gives a param's value as plain Go values.
func (d *decoder) any(n *yaml.Node) any {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for _, pair := range d.pairs(n, nil) {
			m[pair[0].Value] = d.any(pair[1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, d.any(item))
		}
		return list
	}
	text, _, ok := d.expand(n)
	if !ok {
		return nil
	}
	return d.resolve(n, text)
}

// resolve types a scalar as YAML 1.2's core schema does; what is quoted is text.
func (d *decoder) resolve(n *yaml.Node, text string) any {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Tag == "!!str" && text == n.Value {
		return text
	}
	plain := yaml.Node{Kind: yaml.ScalarNode, Value: text}
	var value any
	if err := plain.Decode(&value); err != nil || value == nil {
		return text
	}
	switch value.(type) {
	case string, bool, int, float64:
		return value
	}
	return text // dates and numbers beyond 64 bits stay as they are written
}

func name(path []string) string {
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

func typeName(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case int, float64:
		return "a number"
	}
	return "something else"
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}
