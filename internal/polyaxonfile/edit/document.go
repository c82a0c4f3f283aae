package edit

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/yaml11"
)

const (
	maxNodes = 200_000 // of a document, with its aliases expanded
	maxDepth = 100     // of nesting
)

// document is a text together with its YAML nodes and values.
type document struct {
	text []byte
	// lines are the offsets of the lines.
	lines []int
	root  *yaml.Node
	value any
}

var mark = []byte("\xef\xbb\xbf") // a byte order mark, which YAML skips

func parse(text []byte) (*document, error) {
	d := &document{text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	if !utf8.Valid(text) {
		return nil, errors.New("edit: the text is not in UTF-8")
	}
	// YAML 1.1 treats these characters as line breaks, unlike most other software.
	if bytes.ContainsAny(bytes.ReplaceAll(text, []byte("\r\n"), nil), "\r\u0085\u2028\u2029") {
		return nil, errors.New("edit: the text has line breaks that are neither LF nor CRLF")
	}
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var whole, second yaml.Node
	if err := reader.Decode(&whole); err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	if reader.Decode(&second) == nil {
		return nil, errors.New("edit: the text has a second document")
	}
	d.root = whole.Content[0]
	w := &walk{}
	d.value = w.value(d.root, 0)
	return d, w.err
}

// Value returns the value of a document: nil, bool, int, *big.Int, float64, string, []any
// or map[string]any, read by the rules of YAML 1.1 as Polyaxon does. It fails for the
// texts for which Apply fails.
func Value(text []byte) (any, error) {
	d, err := parse(text)
	if err != nil {
		return nil, err
	}
	return d.value, nil
}

// walk converts nodes to plain values.
type walk struct {
	nodes int
	err   error
}

func (w *walk) fail(n *yaml.Node, what string) any {
	if w.err == nil {
		w.err = fmt.Errorf("edit: line %d: %s", n.Line, what)
	}
	return nil
}

func (w *walk) value(n *yaml.Node, depth int) any {
	if w.nodes++; w.nodes > maxNodes || depth > maxDepth {
		return w.fail(n, "nested too deeply, or too large when its aliases are expanded")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			list = append(list, w.value(item, depth+1))
		}
		return list
	case yaml.MappingNode:
		return w.mapping(n, depth)
	}
	return yaml11.Scalar(n)
}

func (w *walk) mapping(n *yaml.Node, depth int) any {
	m, merged := map[string]any{}, map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return w.fail(key, "a key must be text, not a list or a mapping")
		}
		value := w.value(n.Content[i+1], depth+1)
		if key.Tag == "!!merge" {
			over, ok := value.(map[string]any)
			if !ok {
				return w.fail(key, "a merge key needs a mapping")
			}
			for name, v := range over {
				merged[name] = v
			}
			continue
		}
		if _, repeated := m[key.Value]; repeated {
			return w.fail(key, "duplicate key "+key.Value)
		}
		m[key.Value] = value
	}
	for name, v := range merged {
		if _, own := m[name]; !own {
			m[name] = v
		}
	}
	return m
}

// offset returns the offset of a node. If the node has an anchor or a tag, this is where
// it begins.
func (d *document) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(d.lines) {
		return len(d.text)
	}
	at := d.lines[n.Line-1]
	if n.Line == 1 && bytes.HasPrefix(d.text, mark) {
		at += len(mark)
	}
	for column := 1; column < n.Column && at < len(d.text); column++ {
		_, size := utf8.DecodeRune(d.text[at:])
		at += size
	}
	return at
}

// find returns the value of a mapping's key and the key's index in Content. It returns
// nil when the mapping itself does not have the key.
func find(m *yaml.Node, key string) (*yaml.Node, int) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key && m.Content[i].Tag != "!!merge" {
			return m.Content[i+1], i
		}
	}
	return nil, -1
}

// flow reports whether a node is written in flow style, that is, in brackets or braces.
func flow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func block(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && !flow(n)
}
