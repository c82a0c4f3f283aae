package config

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) decodeScalar(n *yaml.Node, v reflect.Value, path []string, k key) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, "", "%s must be a single value, not %s", pathLabel(path), kind(n))
		return
	}
	text, expanded, ok := d.expand(n)
	if !ok {
		return
	}
	resolved := d.resolve(n, text)
	shown := strconv.Quote(text)
	if expanded {
		shown = "the value of an environment variable (hidden)" // may be a secret
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		limit, ok := parseDuration(text)
		if !ok {
			d.fail(n, "write it as 90s, 30m, 6h or 2d", "%s is not a valid duration: %s", pathLabel(path), shown)
			return
		}
		v.SetInt(int64(limit))
		return
	}
	switch v.Kind() {
	case reflect.Int:
		number, isNumber := resolved.(int)
		if len(k.enum) > 0 && (!isNumber || !slices.Contains(k.enum, strconv.Itoa(number))) {
			d.fail(n, "", "%s must be %s, not %s", pathLabel(path), strings.Join(k.enum, " or "), shown)
			return
		}
		if !isNumber || number < 0 {
			d.fail(n, "", "%s must be a whole number, 0 or more, not %s", pathLabel(path), shown)
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
			d.fail(n, "", "%s must be a number, 0 or more, not %s", pathLabel(path), shown)
			return
		}
		v.SetFloat(number)
	case reflect.Bool:
		on, isBool := resolved.(bool)
		if !isBool {
			d.fail(n, "", "%s must be true or false, not %s", pathLabel(path), shown)
			return
		}
		v.SetBool(on)
	case reflect.String:
		d.decodeString(n, v, path, k, text, resolved, shown)
	default:
		d.fail(n, "", "%s cannot be read", pathLabel(path))
	}
}

func (d *decoder) decodeString(n *yaml.Node, v reflect.Value, path []string, k key, text string, resolved any, shown string) {
	form := forms[k.form]
	if form.secret {
		shown = "the given value (hidden, it may be a secret)"
	}
	shown = userInfo.ReplaceAllString(shown, "://***@")
	if _, isText := resolved.(string); !isText && !form.literal {
		d.fail(n, "put it in quotes", "%s must be text, but %s is read as %s", pathLabel(path), shown, typeName(resolved))
		return
	}
	switch last := len(k.enum) - 1; {
	case last >= 0 && !slices.Contains(k.enum, text):
		d.fail(n, "", "%s must be %s or %s, not %s", pathLabel(path), strings.Join(k.enum[:last], ", "), k.enum[last], shown)
	case !form.matches(text):
		d.fail(n, "", "%s must be %s, not %s", pathLabel(path), form.description, shown)
	case k.required && text == "":
		d.fail(n, "", "%s must be given, not %s", pathLabel(path), shown)
	default:
		v.SetString(text)
	}
}

// any decodes the value of a param into plain Go values.
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

// resolve returns the typed value of a scalar by YAML 1.2's core schema. A quoted scalar
// is always a string.
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
	return text // dates and numbers beyond 64 bits keep their text
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
