package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/source/syntax"
)

// identity is what an object of a namespace is known by.
type identity struct{ group, kind, name string }

// reader reads files into objects, and collects the errors.
type reader struct {
	namespace string
	lookup    func(string) (string, bool)
	images    []string

	file    string
	objects []*Object
	// uses are the scalars with variables of the current document. secrets are the names of all
	// variables with secret values.
	uses    []use
	secrets map[string]bool
	seen    map[identity]source.Position
	errs    []*source.Error
}

func (r *reader) at(n *yaml.Node) source.Position {
	return source.Position{File: r.file, Line: n.Line, Column: n.Column}
}

func (r *reader) fail(n *yaml.Node, hint, format string, args ...any) {
	r.errs = append(r.errs, &source.Error{Position: r.at(n), Message: fmt.Sprintf(format, args...), Hint: hint})
}

// documents returns the roots of the documents in text that are not empty.
func (r *reader) documents(text []byte) []*yaml.Node {
	var all []*yaml.Node
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			r.errs = append(r.errs, r.syntaxError(text, err))
			return nil
		}
		root := document.Content[0]
		switch {
		case root.Kind == yaml.ScalarNode && root.Tag == "!!null":
		case isLarge(root):
			r.fail(root, "", "the manifest is nested too deeply, or too large when its aliases are expanded")
		default:
			all = append(all, root)
		}
	}
}

// syntaxError returns the error for invalid YAML.
func (r *reader) syntaxError(text []byte, err error) *source.Error {
	if mistake := syntax.Find(text); mistake != nil {
		return &source.Error{Position: source.Position{File: r.file, Line: mistake.Line, Column: mistake.Column}, Message: mistake.Message, Hint: mistake.Hint, Err: err}
	}
	line, message := syntax.Split(err)
	return &source.Error{Position: source.Position{File: r.file, Line: max(line, 1), Column: 1}, Message: "is not valid YAML: " + message, Err: err}
}

// document adds the object of a document, or those of a List.
func (r *reader) document(root *yaml.Node) {
	if root.Kind == yaml.AliasNode {
		root = root.Alias
	}
	if root.Kind != yaml.MappingNode {
		r.fail(root, "", "a manifest must be a mapping, not %s", kindOf(root))
		return
	}
	if items := child(root, "items"); items != nil && items.Kind == yaml.SequenceNode && is(root, "kind", "List") && is(root, "apiVersion", "v1") {
		for _, item := range items.Content {
			r.document(item)
		}
		return
	}
	before := len(r.errs)
	r.uses = nil
	value, _ := r.value(root).(map[string]any)
	if len(r.errs) > before {
		return
	}
	if r.check(root, value) {
		r.noteSecrets(root)
		r.objects = append(r.objects, &Object{Position: r.at(root), object: &unstructured.Unstructured{Object: value}, uses: r.uses})
	}
}

// check reports whether a manifest says which object of the namespace it is, and is the first
// to do so.
func (r *reader) check(root *yaml.Node, value map[string]any) bool {
	before := len(r.errs)
	apiVersion, kind := r.text(root, value, "apiVersion", "a manifest"), r.text(root, value, "kind", "a manifest")
	metadata, isMapping := value["metadata"].(map[string]any)
	node := child(root, "metadata")
	switch {
	case node == nil:
		r.fail(root, r.near(root, "metadata"), "the manifest has no metadata with a name")
		return false
	case !isMapping:
		r.fail(node, "", "metadata must be a mapping")
		return false
	case metadata["name"] == nil && metadata["generateName"] != nil:
		r.fail(child(node, "generateName"), "give it a name: what has none would be another object at each apply", "metadata.name is missing, and generateName does not replace it")
	}
	name := ""
	if len(r.errs) == before {
		name = r.text(node, metadata, "name", "metadata")
	}
	if strings.ContainsAny(name, "/% \t\r\n") || name == "." || name == ".." {
		r.fail(child(node, "name"), "", "%q is not a valid name of an object of Kubernetes", name)
	}
	if strings.ContainsAny(kind, " \t\r\n") {
		r.fail(child(root, "kind"), "", "%q is not a valid kind", kind)
	}
	version, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		r.fail(child(root, "apiVersion"), "write it as GROUP/VERSION, such as apps/v1", "apiVersion %q is not valid", apiVersion)
	}
	if given := metadata["namespace"]; given != nil && given != r.namespace && r.namespace != "" {
		r.fail(child(node, "namespace"), "slipway applies to cluster.namespace only: correct it, or leave it out", "namespace %v is not that of slipway.yaml, %s", given, r.namespace)
	}
	if kind == "Secret" && apiVersion == "v1" {
		r.checkData(root, value)
	}
	if len(r.errs) > before {
		return false
	}
	id := identity{version.Group, kind, name}
	if first, twice := r.seen[id]; twice {
		r.fail(root, "", "%s %s is already at %s", kind, name, first)
		return false
	}
	r.seen[id] = r.at(root)
	return true
}

// text returns the text of a key of a mapping, which must not be empty.
func (r *reader) text(n *yaml.Node, value map[string]any, key, what string) string {
	text, isText := value[key].(string)
	switch at := child(n, key); {
	case at == nil:
		r.fail(n, r.near(n, key), "%s needs %s", what, key)
	case !isText:
		r.fail(at, "put it in quotes", "%s must be text", key)
	case text == "":
		r.fail(at, "", "%s is empty", key)
	}
	return text
}

// near returns a hint if a mapping has a key that is like the missing one.
func (r *reader) near(n *yaml.Node, key string) string {
	var keys []string
	for i := 0; i < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i].Value)
	}
	if near, close := source.Nearest(key, keys); close {
		return "it has " + near + ": did you mean " + key + "?"
	}
	return ""
}

// child returns the value of a key of a mapping, or nil.
func child(n *yaml.Node, key string) *yaml.Node { return childOf(n, key, 0) }

// maxMerges bounds how many mappings are merged into one another.
const maxMerges = 20

func childOf(n *yaml.Node, key string, merges int) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			if n.Content[i+1].Kind == yaml.AliasNode {
				return n.Content[i+1].Alias
			}
			return n.Content[i+1]
		}
	}
	return merged(n, key, merges+1)
}

// merged returns the value of a key that a mapping merges from others, or nil.
func merged(n *yaml.Node, key string, merges int) *yaml.Node {
	for i := 0; merges <= maxMerges && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if from[0].Kind == yaml.SequenceNode {
			from = from[0].Content
		}
		for _, one := range from {
			if found := childOf(one, key, merges); found != nil {
				return found
			}
		}
	}
	return nil
}

func is(n *yaml.Node, key, want string) bool {
	value := child(n, key)
	return value != nil && strings.TrimSpace(value.Value) == want
}

func kindOf(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode {
		return "a list"
	}
	return "a single value"
}
