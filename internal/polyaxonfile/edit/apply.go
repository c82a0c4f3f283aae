package edit

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Apply applies edits to a document, in order, and returns its new text. It returns an
// error that names the edit when the text is not valid YAML, when the path does not
// exist, and for the few forms of YAML in which the text cannot be edited: an anchored
// value that is used elsewhere, and a key that comes from a merge. An alias on the path
// is first replaced with a copy of its value.
func Apply(text []byte, edits ...Edit) ([]byte, error) {
	if len(edits) == 0 {
		return text, nil
	}
	d, err := parse(text)
	if err != nil {
		return nil, err
	}
	for len(edits) > 0 {
		changed, n := d.batch(edits)
		for i := 0; changed == nil && i < n; i++ {
			if d, err = d.applyOne(edits[i]); err != nil {
				return nil, err
			}
		}
		if changed != nil {
			d = changed
		}
		edits = edits[n:]
	}
	return d.text, nil
}

// applyOne applies one edit, and checks that the new text has the expected value.
func (d *document) applyOne(e Edit) (*document, error) {
	want, err := e.ApplyTo(d.value)
	if err != nil {
		return nil, err
	}
	if Equal(want, d.value) {
		return d, nil
	}
	if e.value, err = plain(e.value); err != nil {
		return nil, err
	}
	changed, err := d.edit(e)
	if err != nil {
		return nil, err
	}
	if after := parseAs(changed, want); after != nil {
		return after, nil
	}
	// A block scalar that has become the last value needs its line break.
	if after := parseAs(append(changed, styleOf(d).line...), want); after != nil {
		return after, nil
	}
	return nil, e.errorf("this form of YAML cannot be edited there")
}

// parseAs parses a text. It returns nil when the text does not have the value want.
func parseAs(text []byte, want any) *document {
	d, err := parse(text)
	if err != nil || !Equal(d.value, want) {
		return nil
	}
	return d
}

// place is a node with its parent.
type place struct {
	node   *yaml.Node
	parent *yaml.Node
	// index is the node's index in the parent's Content.
	index int
	// above is the parent's indentation, or -1 when there is no parent.
	above int
}

// edit applies an edit to the text. It does not check the result; its callers do.
func (d *document) edit(e Edit) ([]byte, error) {
	at := place{node: d.root, above: -1}
	for depth, key := range e.path {
		last := depth == len(e.path)-1
		if at.node.Kind == yaml.AliasNode {
			return d.expand(e, depth, at)
		}
		if at.node.Kind == yaml.ScalarNode { // ApplyTo has checked that it is empty
			made, err := e.newValue(e.path[depth:])
			if err != nil {
				return nil, err
			}
			return d.replace(at, made), nil
		}
		if last && (e.verb == insert) {
			return d.insert(at, key, e.value), nil
		}
		next := place{parent: at.node, above: d.column(at.node)}
		if at.node.Kind == yaml.SequenceNode {
			next.index, _ = strconv.Atoi(key) // ApplyTo has checked the index
			next.node = at.node.Content[next.index]
		} else if next.node, next.index = find(at.node, key); next.node == nil {
			return d.addKey(e, depth, at)
		} else {
			next.index++
		}
		at = next
	}
	switch e.verb {
	case remove:
		return d.remove(at), nil
	case rename:
		return d.rename(at, e.key), nil
	}
	return d.replace(at, e.value), nil
}

// column returns the indentation of a collection.
func (d *document) column(n *yaml.Node) int {
	column, _ := d.indent(d.content(n))
	return column
}

// expand replaces the alias at a place with a copy of its value, and applies the edit to
// the copy.
func (d *document) expand(e Edit, depth int, at place) ([]byte, error) {
	w := &walk{}
	value, err := e.applyTo(w.value(at.node, 0), e.path[depth:])
	if err != nil {
		return nil, err
	}
	return d.replace(at, value), nil
}

// addKey adds a key to a mapping that does not have it. If the mapping has the key
// through a merge, its value is copied first.
func (d *document) addKey(e Edit, depth int, at place) ([]byte, error) {
	if e.verb == remove || e.verb == rename {
		return nil, e.errorf("%s comes with a merge key (<<)", e.path[depth])
	}
	w := &walk{}
	merged, _ := w.value(at.node, 0).(map[string]any)
	var value any
	var err error
	if old, ok := merged[e.path[depth]]; ok && depth+1 < len(e.path) {
		value, err = e.applyTo(old, e.path[depth+1:])
	} else {
		var made any
		if made, err = e.newValue(e.path[depth:]); err == nil {
			value = made.(map[string]any)[e.path[depth]]
		}
	}
	if err != nil {
		return nil, err
	}
	return d.insertPair(at, e.path[depth], value), nil
}

func (d *document) splice(from, to int, text string) []byte {
	return append(append(append(make([]byte, 0, len(d.text)+len(text)), d.text[:from]...), text...), d.text[to:]...)
}

// rename replaces a key with another name.
func (d *document) rename(at place, name string) []byte {
	key := at.parent.Content[at.index-1]
	return d.splice(d.content(key), d.end(key, at.above), styleOf(d).scalar(name, key.Style, flow(at.parent)))
}

// insertPair appends a key with its value to a mapping.
func (d *document) insertPair(at place, key string, value any) []byte {
	s, m := styleOf(d), at.node
	if flow(m) {
		pair := s.scalar(key, 0, true) + ": " + s.flow(value)
		return d.append(m, pair, s)
	}
	column := d.column(m)
	line := s.pair(key, value, column)
	if isCollection(value) && prefersFlow(m) {
		line = s.scalar(key, 0, false) + ": " + s.flow(value)
	}
	return d.addLine(d.end(m, at.above), column, line, s)
}

// insert inserts an element into a list.
func (d *document) insert(at place, index string, value any) []byte {
	s, list := styleOf(d), at.node
	i, err := strconv.Atoi(index)
	if err != nil {
		i = len(list.Content)
	}
	if flow(list) {
		if i == len(list.Content) {
			return d.append(list, s.flow(value), s)
		}
		start := d.offset(list.Content[i])
		return d.splice(start, start, s.flow(value)+", ")
	}
	column := d.column(list)
	line := s.item(value, column)
	if isCollection(value) && prefersFlow(list) {
		line = "- " + s.flow(value)
	}
	if i == 0 {
		start := d.content(list)
		return d.splice(start, start, line+s.line+strings.Repeat(" ", column))
	}
	return d.addLine(d.end(list.Content[i-1], column), column, line, s)
}

// append adds text after the last element of a flow collection, formatted like the other
// elements.
func (d *document) append(n *yaml.Node, text string, s style) []byte {
	open := d.content(n)
	if len(n.Content) == 0 {
		end := d.end(n, -1)
		if strings.TrimSpace(string(d.text[open+1:end-1])) == "" {
			return d.splice(open+1, end-1, s.padding(n)+text+s.padding(n))
		}
		return d.splice(open+1, open+1, text)
	}
	last := n.Content[len(n.Content)-1]
	first := last
	if n.Kind == yaml.MappingNode {
		first = n.Content[len(n.Content)-2]
	}
	end := d.end(last, -1)
	if column, alone := d.indent(d.offset(first)); alone {
		return d.splice(end, end, ","+s.line+strings.Repeat(" ", column)+text)
	}
	return d.splice(end, end, ", "+text)
}

func (s style) padding(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return s.pad
	}
	return ""
}

// addLine inserts a line after the line that contains at.
func (d *document) addLine(at, column int, line string, s style) []byte {
	next := d.nextLine(at)
	text := strings.Repeat(" ", column) + line
	if next == len(d.text) && !bytes.HasSuffix(d.text, []byte("\n")) {
		return d.splice(next, next, s.line+text)
	}
	return d.splice(next, next, text+s.line)
}

func isCollection(value any) bool {
	switch x := value.(type) {
	case map[string]any:
		return len(x) > 0
	case []any:
		return len(x) > 0
	}
	return false
}

// prefersFlow reports whether the last collection in a block collection is written in
// flow style, so that a new one is written alike.
func prefersFlow(n *yaml.Node) bool {
	for i := len(n.Content) - 1; i >= 0; i-- {
		if c := n.Content[i]; (c.Kind == yaml.MappingNode || c.Kind == yaml.SequenceNode) && len(c.Content) > 0 {
			return flow(c)
		}
	}
	return false
}

// String describes the edit for messages.
func (e Edit) String() string {
	return fmt.Sprintf("%s %s", [...]string{"set", "insert", "delete", "rename"}[e.verb], e.Path())
}
