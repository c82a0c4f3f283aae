package edit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// remove removes a key with its value, or an element. Removing the last one leaves an
// empty collection.
func (d *document) remove(at place) []byte {
	m := at.parent
	per := 1
	if m.Kind == yaml.MappingNode {
		per = 2
	}
	if flow(m) {
		return d.removeFromFlow(at, per)
	}
	start := d.dashStart(at)
	end := d.end(at.node, at.above)
	if len(m.Content) == per {
		empty := "[]"
		if per == 2 {
			empty = "{}"
		}
		return d.empty(m, empty)
	}
	if _, alone := d.indent(start); alone {
		from, to := d.lineStart(start), d.nextLine(end)
		for d.hasKeepScalar() && to < len(d.text) && d.breaks(to) {
			to = d.nextLine(to) // a block scalar before it would absorb the blank lines
		}
		if to == len(d.text) && !strings.HasSuffix(string(d.text), "\n") && from > 0 {
			from = d.lineEnd(from - 1) // keep the text without a final line break
		}
		if from == 0 && d.offset(d.root) >= len(mark) && strings.HasPrefix(string(d.text), string(mark)) {
			from = len(mark)
		}
		return d.splice(from, to, "")
	}
	// The key or element stands after a dash on the same line. The next one takes its place.
	if at.index+1 < len(m.Content) {
		next := place{parent: m, index: at.index + per, node: m.Content[at.index+per], above: at.above}
		following := d.dashStart(next)
		if d.gapIsBlank(end, following) {
			return d.splice(start, following, "")
		}
		return d.splice(start, d.lineEnd(end), "")
	}
	return d.splice(start, end, "")
}

// hasKeepScalar reports whether a block scalar may include the blank lines after it.
func (d *document) hasKeepScalar() bool {
	return bytes.Contains(d.text, []byte("|+")) || bytes.Contains(d.text, []byte(">+"))
}

// dashStart returns the offset of an element's dash, or of a pair's key.
func (d *document) dashStart(at place) int {
	if at.parent.Kind == yaml.MappingNode {
		return d.offset(at.parent.Content[at.index-1])
	}
	return d.dashOf(at)
}

// gapIsBlank reports whether there is only white space between two offsets.
func (d *document) gapIsBlank(from, to int) bool {
	return from <= to && strings.TrimSpace(string(d.text[from:to])) == ""
}

// empty replaces a block collection with an empty collection.
func (d *document) empty(m *yaml.Node, text string) []byte {
	at := d.locate(m)
	if at.parent == nil {
		return d.splice(d.content(m), d.end(m, -1), text)
	}
	if d.ownLine(d.content(m), at) {
		return d.replaceInline(at, text)
	}
	return d.splice(d.content(m), d.end(m, at.above), text)
}

// locate finds the parent of a collection.
func (d *document) locate(n *yaml.Node) place {
	var look func(*yaml.Node) (place, bool)
	look = func(parent *yaml.Node) (place, bool) {
		for i, child := range parent.Content {
			if child == n {
				return place{node: n, parent: parent, index: i, above: d.column(parent)}, true
			}
			if found, ok := look(child); ok {
				return found, true
			}
		}
		return place{}, false
	}
	found, ok := look(d.root)
	if !ok {
		return place{node: n, above: -1}
	}
	return found
}

// removeFromFlow removes an element and one comma from a flow collection.
func (d *document) removeFromFlow(at place, per int) []byte {
	m := at.parent
	start, end := d.offset(at.node), d.end(at.node, -1)
	if per == 2 {
		start = d.offset(m.Content[at.index-1])
	}
	if comma := d.skipSpaceAndComments(end); comma < len(d.text) && d.text[comma] == ',' {
		if d.gapIsBlank(end, comma) {
			end = comma + 1
		} else {
			return append(append(append([]byte{}, d.text[:start]...), d.text[end:comma]...), d.text[comma+1:]...)
		}
		if _, alone := d.indent(start); alone && d.lineEnd(end) == d.skipBlanks(end) {
			return d.splice(d.lineStart(start), d.nextLine(end), "")
		}
		return d.splice(start, d.skipBlanks(end), "")
	}
	if at.index < per { // the only one
		return d.splice(start, end, "")
	}
	// The last element takes the comma before it along.
	before := d.end(m.Content[at.index-per], -1)
	comma := d.skipSpaceAndComments(before)
	if d.gapIsBlank(before, start-1) || strings.TrimSpace(string(d.text[before:start])) == "," {
		return d.splice(before, end, "")
	}
	if _, alone := d.indent(start); alone && d.lineEnd(end) == d.skipBlanks(end) {
		return append(append(append([]byte{}, d.text[:comma]...), d.text[comma+1:d.lineStart(start)]...), d.text[d.nextLine(end):]...)
	}
	return append(append(append([]byte{}, d.text[:comma]...), d.text[comma+1:start]...), d.text[end:]...)
}
