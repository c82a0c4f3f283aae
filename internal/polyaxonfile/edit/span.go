package edit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// content returns the offset of a node's value, after its anchor and tag.
func (d *document) content(n *yaml.Node) int {
	properties := n.Anchor != "" || n.Style&yaml.TaggedStyle != 0
	switch {
	case block(n) && !properties:
		return d.offset(n) // an anchor or tag here belongs to the first key
	case n.Kind == yaml.MappingNode && block(n):
		return d.offset(n.Content[0])
	case block(n):
		return d.skipSpaceAndComments(d.skipProperties(d.offset(n)))
	}
	at := d.offset(n)
	if n.Kind == yaml.AliasNode {
		return at
	}
	return d.skipProperties(at)
}

// skipProperties returns the offset after anchors and tags.
func (d *document) skipProperties(at int) int {
	for at < len(d.text) && (d.text[at] == '&' || d.text[at] == '!') {
		for at < len(d.text) && !strings.ContainsRune(" \t\r\n,[]{}", rune(d.text[at])) {
			at++
		}
		next := d.skipBlanks(at)
		if next < len(d.text) && (d.text[next] == '&' || d.text[next] == '!' || !atEnd(d.text, next)) {
			at = next
			continue
		}
		break
	}
	return at
}

func atEnd(text []byte, at int) bool {
	return at >= len(text) || text[at] == '\n' || text[at] == '\r' || text[at] == '#'
}

// skipBlanks returns the offset after blanks and tabs.
func (d *document) skipBlanks(at int) int {
	for at < len(d.text) && (d.text[at] == ' ' || d.text[at] == '\t') {
		at++
	}
	return at
}

// skipSpaceAndComments returns the offset after white space, line breaks and comments.
func (d *document) skipSpaceAndComments(at int) int {
	for at < len(d.text) {
		switch c := d.text[at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			at++
		case c == '#' && (at == 0 || strings.ContainsRune(" \t\r\n", rune(d.text[at-1]))):
			at = d.lineEnd(at)
		default:
			return at
		}
	}
	return at
}

// lineEnd returns the offset of the end of the line that contains at, before its line
// break.
func (d *document) lineEnd(at int) int {
	n := bytes.IndexByte(d.text[at:], '\n')
	if n < 0 {
		return len(d.text)
	}
	if n > 0 && d.text[at+n-1] == '\r' {
		n--
	}
	return at + n
}

// nextLine returns the offset of the line after at, or the end of the text.
func (d *document) nextLine(at int) int {
	n := bytes.IndexByte(d.text[at:], '\n')
	if n < 0 {
		return len(d.text)
	}
	return at + n + 1
}

func (d *document) lineStart(at int) int { return bytes.LastIndexByte(d.text[:at], '\n') + 1 }

// indent returns the number of characters between the beginning of the line and at. It
// reports whether all of them are spaces.
func (d *document) indent(at int) (int, bool) {
	start := d.lineStart(at)
	if start == 0 && bytes.HasPrefix(d.text, mark) {
		start = len(mark)
	}
	before := d.text[start:at]
	return len([]rune(string(before))), len(bytes.Trim(before, " ")) == 0
}

// end returns the offset of the end of a node's text. above is the indentation of the
// collection that contains it, or -1.
func (d *document) end(n *yaml.Node, above int) int {
	at := d.content(n)
	switch n.Kind {
	case yaml.AliasNode:
		for at < len(d.text) && !strings.ContainsRune(" \t\r\n,[]{}", rune(d.text[at])) {
			at++
		}
		return at
	case yaml.MappingNode, yaml.SequenceNode:
		return d.collectionEnd(n, at)
	}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return d.quotedEnd(at, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return d.quotedEnd(at, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalarEnd(at, above)
	}
	return d.plainEnd(at, n.Value)
}

func (d *document) collectionEnd(n *yaml.Node, at int) int {
	column, _ := d.indent(at)
	end := at
	if len(n.Content) > 0 {
		end = d.end(n.Content[len(n.Content)-1], column)
	} else if flow(n) {
		end++
	}
	if !flow(n) {
		return end
	}
	for end < len(d.text) {
		end = d.skipSpaceAndComments(end)
		if end < len(d.text) && strings.ContainsRune("]}", rune(d.text[end])) {
			return end + 1
		}
		end++
	}
	return len(d.text)
}

// quotedEnd returns the end of the quoted scalar that begins at at.
func (d *document) quotedEnd(at int, quote byte) int {
	for i := at + 1; i < len(d.text); i++ {
		switch {
		case d.text[i] == '\\' && quote == '"':
			i++
		case d.text[i] == quote && quote == '\'' && i+1 < len(d.text) && d.text[i+1] == quote:
			i++
		case d.text[i] == quote:
			return i + 1
		}
	}
	return len(d.text)
}

// blockScalarEnd returns the end of the block scalar whose header is at at, before its last
// line break. The scalar continues while lines are indented.
func (d *document) blockScalarEnd(at, above int) int {
	header := string(d.text[at:d.lineEnd(at)])
	if comment := strings.Index(header, " #"); comment >= 0 {
		header = header[:comment]
	}
	least := above + 1
	if !strings.ContainsAny(header, "123456789") {
		least = -1 // the first line determines it
	}
	end := d.lineEnd(at)
	for line := d.nextLine(at); line < len(d.text); line = d.nextLine(line) {
		first := line
		for first < len(d.text) && d.text[first] == ' ' {
			first++
		}
		stop := d.lineEnd(line)
		if first >= stop {
			if strings.Contains(header, "+") {
				end = stop
			}
			continue
		}
		if least < 0 {
			least = max(first-line, above+1)
		}
		if first-line < least {
			break
		}
		end = stop
	}
	return end
}

// plainEnd returns the end of a plain scalar, which may span several lines.
func (d *document) plainEnd(at int, value string) int {
	for i := 0; i < len(value) && at < len(d.text); {
		if value[i] == d.text[at] && value[i] != '\n' {
			if value[i] != ' ' || !d.breaks(at) {
				i, at = i+1, at+1
				continue
			}
		}
		before := at
		for at < len(d.text) && strings.ContainsRune(" \t\r\n", rune(d.text[at])) {
			at++
		}
		for i < len(value) && (value[i] == ' ' || value[i] == '\n') {
			i++
		}
		if at == before {
			break // the text does not match the value
		}
	}
	return at
}

// breaks reports whether only blanks follow at on its line.
func (d *document) breaks(at int) bool {
	at = d.skipBlanks(at)
	return at >= len(d.text) || d.text[at] == '\n' || d.text[at] == '\r'
}
