package syntax

// kind is what a token is.
type kind int

const (
	streamEnd kind = iota
	directive
	documentStart
	documentEnd
	listStart // of a list in lines
	mapStart  // of a mapping in lines
	blockEnd  // of either
	openList  // [
	openMap   // {
	closeList // ]
	closeMap  // }
	item      // -
	comma
	key // before a key, with or without ?
	value
	alias
	anchor
	tag
	scalar
)

// token is a part of a text.
type token struct {
	kind
	mark Mark
	// text is what the token says, where that matters: a name, a sign.
	text string
	// until is where a scalar ends; quote is the sign that it stands in, 0 for none.
	until Mark
	quote rune
	// sibling is the column of the block that ended right before, 0 for none.
	sibling int
}

// shown is how words call a token.
func (t *token) shown() string {
	switch t.kind {
	case streamEnd:
		return "the end of the file"
	case documentStart, documentEnd:
		return "the end of the document"
	case openList:
		return "["
	case openMap:
		return "{"
	case closeList:
		return "]"
	case closeMap:
		return "}"
	case item:
		return "-"
	case comma:
		return ","
	case value:
		return ":"
	case key:
		return "a key"
	}
	return "a value"
}
