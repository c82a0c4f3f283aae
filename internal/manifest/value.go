package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	kyaml "sigs.k8s.io/yaml"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/source"
)

// maxNodes and maxDepth bound the work for a hostile file.
const (
	maxNodes = 100_000
	maxDepth = 100
)

// isLarge reports whether a tree is too large when its aliases are expanded. An alias can
// repeat a large part of the file, or contain itself.
func isLarge(root *yaml.Node) bool {
	nodes := 0
	var fits func(*yaml.Node, int) bool
	fits = func(n *yaml.Node, depth int) bool {
		if nodes++; nodes > maxNodes || depth > maxDepth {
			return false
		}
		if n.Kind == yaml.AliasNode {
			return fits(n.Alias, depth+1)
		}
		for _, below := range n.Content {
			if !fits(below, depth+1) {
				return false
			}
		}
		return true
	}
	return !fits(root, 0)
}

// value returns the plain value of a node, with variables filled in.
func (r *reader) value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias)
	case yaml.MappingNode:
		return r.mapping(n)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = r.value(item)
		}
		return list
	}
	return r.scalar(n)
}

// mapping returns the value of a mapping. Its own keys win over merged ones (<<).
func (r *reader) mapping(n *yaml.Node) map[string]any {
	own, merged := map[string]any{}, map[string]any{}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key := n.Content[i]; {
		case key.Tag == "!!merge":
			r.merge(merged, n.Content[i+1])
		case key.Kind == yaml.MappingNode && key.Style&yaml.FlowStyle != 0:
			r.fail(key, "if this is a template of Helm, render it first, by helm template", "a key must be text, and {{ is a mapping in YAML")
		case key.Kind != yaml.ScalarNode:
			r.fail(key, "", "a key must be text")
		case lines[key.Value] > 0:
			r.fail(key, "", "duplicate key %s: already set at line %d", key.Value, lines[key.Value])
		default:
			lines[key.Value] = key.Line
			own[key.Value] = r.value(n.Content[i+1])
		}
	}
	for key, value := range merged {
		if _, has := own[key]; !has {
			own[key] = value
		}
	}
	return own
}

// merge adds the keys of a mapping, or of a list of mappings. The first one wins.
func (r *reader) merge(into map[string]any, n *yaml.Node) {
	from := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		from = n.Content
	}
	for _, one := range from {
		values, isMapping := r.value(one).(map[string]any)
		if !isMapping {
			r.fail(one, "", "<< must be followed by a mapping")
		}
		for key, value := range values {
			if _, has := into[key]; !has {
				into[key] = value
			}
		}
	}
}

// scalar returns the value of a scalar as kubectl reads it. As in slipway.yaml, the text of a
// variable only becomes part of the value.
func (r *reader) scalar(n *yaml.Node) any {
	used := use{node: n, variables: map[string]string{}}
	text, expanded, wrong := config.Expand(n.Value, func(name string) (string, bool) {
		value, set := r.lookup(name)
		if value != "" {
			used.variables[name] = value
			r.secrets[name] = r.secrets[name] || namesSecret(name, value)
		}
		return value, set
	})
	for _, e := range wrong {
		r.fail(n, e.Hint, "%s", e.Message)
	}
	if used.scalar = text; len(used.variables) > 0 {
		r.uses = append(r.uses, used)
	}
	if n.Tag == "!!null" && !expanded {
		return nil
	}
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&quoted != 0 || n.Style&yaml.TaggedStyle != 0 && n.Tag == "!!str" {
		return r.checked(n, text)
	}
	if value := plain(text); value != nil {
		return value
	}
	return r.checked(n, text)
}

// plain returns the number or the boolean that a text is in YAML as Kubernetes reads it, or
// nil if it is text.
func plain(text string) any {
	if text == "" || strings.ContainsAny(text, " \t\n#:") {
		return nil
	}
	encoded, err := kyaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil
	}
	var value any
	if utiljson.Unmarshal(encoded, &value) != nil {
		return nil
	}
	switch value.(type) {
	case bool, int64, float64:
		return value
	}
	return nil
}

// checked returns text. It adds an error if text names an image that slipway.yaml does not
// have.
func (r *reader) checked(n *yaml.Node, text string) string {
	name, isImage := strings.CutPrefix(text, ImageScheme)
	if !isImage {
		return text
	}
	for _, image := range r.images {
		if image == name {
			return text
		}
	}
	hint := "slipway.yaml has no images"
	if bare, _, tagged := strings.Cut(name, ":"); tagged {
		hint = "write " + ImageScheme + bare + ": slipway adds the digest"
	} else if near, close := source.Nearest(name, r.images); close {
		hint = "did you mean " + ImageScheme + near + "?"
	} else if len(r.images) > 0 {
		hint = "known images are " + source.ShortenList(r.images, source.MaxListed)
	}
	r.fail(n, hint, "image %s not found", name)
	return text
}
