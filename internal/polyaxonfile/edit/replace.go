package edit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// replace replaces the value at a place.
func (d *document) replace(at place, value any) []byte {
	s, n := styleOf(d), at.node
	inFlow := flow(n) && at.parent == nil || at.parent != nil && d.insideFlow(at.parent)
	if n == d.root && !inFlow {
		text, _ := s.block(value, 0)
		return d.splice(d.content(n), d.end(n, -1), text)
	}
	start, end := d.offset(n), d.end(n, at.above)
	if inFlow || !isCollection(value) || flow(n) && len(n.Content) > 0 {
		text := s.flow(value)
		if !isCollection(value) {
			text = s.text(value, n, inFlow || end == len(d.text), at.above)
		}
		first, rest, more := strings.Cut(text, s.line)
		if text = first + d.headerComment(n); more {
			text += s.line + rest
		}
		switch {
		case block(n) && d.ownLine(start, at):
			return d.replaceInline(at, text)
		case start > 0 && !strings.ContainsRune(" \t\r\n[{,", rune(d.text[start-1])):
			text = " " + text // an empty value stands directly after the colon
		}
		return d.splice(start, end, text)
	}
	return d.replaceByBlock(at, value, s)
}

// headerComment returns the comment after the header of a block scalar.
func (d *document) headerComment(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return ""
	}
	at := d.content(n)
	if _, comment, ok := strings.Cut(string(d.text[at:d.lineEnd(at)]), " #"); ok {
		return " #" + comment
	}
	return ""
}

// insideFlow reports whether a collection is in flow style, and therefore everything in
// it.
func (d *document) insideFlow(n *yaml.Node) bool { return flow(n) }

// ownLine reports whether a block collection begins on a line of its own, rather than
// after a dash.
func (d *document) ownLine(start int, at place) bool {
	_, alone := d.indent(start)
	return alone || at.parent.Kind == yaml.MappingNode
}

// text formats a scalar in the style of the one that it replaces. If short is true, the
// result is on one line.
func (s style) text(value any, n *yaml.Node, short bool, above int) string {
	text, isText := value.(string)
	if !isText || n.Style&yaml.LiteralStyle == 0 || short {
		like := n.Style
		if n.Kind != yaml.ScalarNode {
			like = 0
		}
		if m, isMap := value.(map[string]any); isMap && len(m) == 0 {
			return "{}"
		}
		if l, isList := value.([]any); isList && len(l) == 0 {
			return "[]"
		}
		return s.scalar(value, like, short)
	}
	body := strings.TrimSuffix(text, "\n")
	if body == "" || strings.HasSuffix(body, "\n") || strings.HasPrefix(body, " ") || strings.HasPrefix(body, "\n") || !printable(strings.NewReplacer("\n", "", "\t", "").Replace(body)) {
		return quote(text)
	}
	header := "|"
	if body == text {
		header = "|-"
	}
	in := strings.Repeat(" ", above+s.step)
	for _, line := range strings.Split(body, "\n") {
		if line != "" {
			line = in + line
		}
		header += s.line + line
	}
	return header
}

// replaceInline replaces a block collection, which stands on the lines below its key or dash,
// with text after the key or dash.
func (d *document) replaceInline(at place, text string) []byte {
	first := d.content(at.node)
	mark := d.afterIndicator(at)
	from, to := d.lineStart(first), d.nextLine(d.end(at.node, at.above))
	if d.lineEnd(mark) >= first {
		return d.splice(first, d.end(at.node, at.above), text)
	}
	tail := d.text[to:]
	if to == len(d.text) && !bytes.HasSuffix(d.text, []byte("\n")) {
		from = d.lineEnd(d.lineStart(from) - 1)
	}
	changed := append([]byte{}, d.text[:mark]...)
	changed = append(changed, " "+text...)
	changed = append(changed, d.text[d.propertiesEnd(at, mark):from]...)
	return append(changed, tail...)
}

// propertiesEnd returns the offset after the anchor and the tag that follow mark.
func (d *document) propertiesEnd(at place, mark int) int {
	if at.node.Anchor == "" && at.node.Style&yaml.TaggedStyle == 0 {
		return mark
	}
	return d.skipProperties(d.offset(at.node))
}

// afterIndicator returns the offset after the colon of a value's key, or after an element's
// dash.
func (d *document) afterIndicator(at place) int {
	if at.parent.Kind == yaml.MappingNode {
		key := at.parent.Content[at.index-1]
		colon := d.skipSpaceAndComments(d.end(key, at.above))
		return min(colon+1, len(d.text))
	}
	return d.dashOf(at) + 1
}

// dashOf returns the offset of an element's dash.
func (d *document) dashOf(at place) int {
	from := d.content(at.parent)
	if at.index > 0 {
		from = d.end(at.parent.Content[at.index-1], at.above)
	}
	return d.skipSpaceAndComments(from)
}

// replaceByBlock replaces a value with a collection in block style.
func (d *document) replaceByBlock(at place, value any, s style) []byte {
	mark := d.afterIndicator(at)
	start, end := d.content(at.node), d.end(at.node, at.above)
	if at.parent.Kind == yaml.SequenceNode {
		column := at.above + 2
		if at.node.Kind == yaml.ScalarNode && at.node.Value == "" && at.node.Style == 0 {
			end = mark
		}
		text, _ := s.block(value, column)
		if comment := d.headerComment(at.node); comment != "" {
			text = strings.TrimPrefix(comment, " ") + s.line + strings.Repeat(" ", column) + text
		}
		return append(append(append([]byte{}, d.text[:mark]...), " "+text...), d.text[max(end, mark):]...)
	}
	inner := s.inner(value, at.above)
	text, _ := s.block(value, inner)
	in := strings.Repeat(" ", inner)
	if block(at.node) && d.lineEnd(mark) < start {
		column, _ := d.indent(start)
		if _, isMap := value.(map[string]any); isMap && column <= at.above {
			column = inner // only a list may stand at its key's column
		}
		text, _ = s.block(value, column)
		return d.splice(d.lineStart(start), end, strings.Repeat(" ", column)+text)
	}
	// Only a comment may remain after the key.
	line := d.lineEnd(end)
	rest := d.headerComment(at.node) + strings.TrimRight(string(d.text[end:line]), " \t")
	return append(append(append(append([]byte{}, d.text[:mark]...), rest...), s.line+in+text...), d.text[line:]...)
}
