package edit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// content gives where a node's value begins, after its anchor and tag.
func (d *document) content(n *yaml.Node) int {
	properties := n.Anchor != "" || n.Style&yaml.TaggedStyle != 0
	switch {
	case block(n) && !properties:
		return d.offset(n) // a property there is that of the first key
	case n.Kind == yaml.MappingNode && block(n):
		return d.offset(n.Content[0])
	case block(n):
		return d.gap(d.skipProperties(d.offset(n)))
	}
	at := d.offset(n)
	if n.Kind == yaml.AliasNode {
		return at
	}
	return d.skipProperties(at)
}

// skipProperties goes beyond anchors and tags.
func (d *document) skipProperties(at int) int {
	for at < len(d.text) && (d.text[at] == '&' || d.text[at] == '!') {
		for at < len(d.text) && !strings.ContainsRune(" \t\r\n,[]{}", rune(d.text[at])) {
			at++
		}
		next := d.space(at)
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

// space goes beyond blanks of one line.
func (d *document) space(at int) int {
	for at < len(d.text) && (d.text[at] == ' ' || d.text[at] == '\t') {
		at++
	}
	return at
}

// gap goes beyond blanks, line breaks and comments.
func (d *document) gap(at int) int {
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

// lineEnd gives where the line ends that at is in, before its line break.
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

// nextLine gives where the line after at begins, the text's end when there is none.
func (d *document) nextLine(at int) int {
	n := bytes.IndexByte(d.text[at:], '\n')
	if n < 0 {
		return len(d.text)
	}
	return at + n + 1
}

func (d *document) lineStart(at int) int { return bytes.LastIndexByte(d.text[:at], '\n') + 1 }

// indent gives how many blanks stand between the begin of the line and at, and
// whether there is nothing else.
func (d *document) indent(at int) (int, bool) {
	start := d.lineStart(at)
	if start == 0 && bytes.HasPrefix(d.text, mark) {
		start = len(mark)
	}
	before := d.text[start:at]
	return len([]rune(string(before))), len(bytes.Trim(before, " ")) == 0
}

// end gives where a node's text ends. above is the indentation of the collection
// that it is in, -1 for none.
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
		return d.quoted(at, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return d.quoted(at, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.literal(at, above)
	}
	return d.word(at, n.Value)
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
		end = d.gap(end)
		if end < len(d.text) && strings.ContainsRune("]}", rune(d.text[end])) {
			return end + 1
		}
		end++
	}
	return len(d.text)
}

// quoted gives the end of a quoted text that begins at at.
func (d *document) quoted(at int, quote byte) int {
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

// literal gives the end of a block of text whose header stands at at, before
// its last line break: the block goes on while lines are indented.
func (d *document) literal(at, above int) int {
	header := string(d.text[at:d.lineEnd(at)])
	if comment := strings.Index(header, " #"); comment >= 0 {
		header = header[:comment]
	}
	least := above + 1
	if !strings.ContainsAny(header, "123456789") {
		least = -1 // that of the first line
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

// word gives the end of a plain text, which line breaks may divide.
func (d *document) word(at int, value string) int {
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
			break // the text is not that value
		}
	}
	return at
}

// breaks tells whether only blanks stand between at and the line's end.
func (d *document) breaks(at int) bool {
	at = d.space(at)
	return at >= len(d.text) || d.text[at] == '\n' || d.text[at] == '\r'
}
