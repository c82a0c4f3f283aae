package syntax

// kind is the kind of a token.
type kind int

const (
	streamEnd kind = iota
	directive
	documentStart
	documentEnd
	listStart // of a list in block style
	mapStart  // of a mapping in block style
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
	// text is the token's name or sign, if it is needed.
	text string
	// end is the end of a scalar. quote is its quote character, or 0 when it has none.
	end   Mark
	quote rune
	// sibling is the column of the block that ended just before, or 0.
	sibling int
}

// String returns the name of a token in messages.
func (t *token) String() string {
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
