package syntax

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// scanner splits a text into tokens. Whether a token is a key is known only when its
// colon follows, so tokens wait until that is decided.
type scanner struct {
	reader
	mistake *Mistake

	tokens []token
	taken  int // number of tokens that were taken
	ended  bool

	column  int   // of the open block, 0 at first
	columns []int // of the surrounding blocks
	closed  int   // column of the last block that was closed on the same line
	depth   int   // of brackets
	open    []token
	mayKey  bool
	pending map[int]candidate // by depth of brackets
	last    token             // the last scalar
	before  token             // the scalar before last
}

// candidate is a token that may turn out to be a key.
type candidate struct {
	number int
	must   bool
	at     int
	mark   Mark
	closed int
}

func newScanner(text []byte) *scanner {
	s := &scanner{mayKey: true, pending: map[int]candidate{}}
	s.text = make([]rune, 0, utf8.RuneCount(text))
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		s.text, text = append(s.text, c), text[size:]
	}
	s.mark = Mark{1, 1}
	return s
}

// fail records a mistake. Only the first one is kept.
func (s *scanner) fail(at Mark, hint, message string) {
	if s.mistake == nil {
		s.mistake = &Mistake{at, message, hint}
	}
}

// next returns the next token without taking it.
func (s *scanner) next() *token {
	for s.mistake == nil && s.needsMore() {
		s.scanToken()
	}
	if s.mistake != nil || len(s.tokens) == 0 {
		return &token{kind: streamEnd, mark: s.mark}
	}
	return &s.tokens[0]
}

// take takes the next token and returns it.
func (s *scanner) take() token {
	t := *s.next()
	if len(s.tokens) > 0 && s.mistake == nil {
		s.tokens = s.tokens[1:]
		s.taken++
	}
	return t
}

func (s *scanner) is(kinds ...kind) bool { return slices.Contains(kinds, s.next().kind) }

// needsMore reports whether the next token is not known or not certain yet.
func (s *scanner) needsMore() bool {
	if s.ended {
		return false
	}
	if len(s.tokens) == 0 {
		return true
	}
	s.expire()
	for _, c := range s.pending {
		if c.number == s.taken {
			return true
		}
	}
	return false
}

// expire drops candidates that can no longer be a key. A key is on one line, and has at
// most 1024 characters.
func (s *scanner) expire() {
	const longest = 1024
	for depth, c := range s.pending {
		if c.mark.Line != s.mark.Line || s.at-c.at > longest {
			if c.must {
				s.missingColon(c)
			}
			delete(s.pending, depth)
		}
	}
}

// drop drops the candidate at the current depth.
func (s *scanner) drop() {
	if c, ok := s.pending[s.depth]; ok {
		if c.must {
			s.missingColon(c)
		}
		delete(s.pending, s.depth)
	}
}

// remember records the next token as a candidate for a key.
func (s *scanner) remember() {
	if s.mayKey {
		s.drop()
		s.pending[s.depth] = candidate{s.taken + len(s.tokens), s.depth == 0 && s.column == s.mark.Column, s.at, s.mark, s.closed}
	}
}

func (s *scanner) add(k kind, at Mark) *token {
	s.tokens = append(s.tokens, token{kind: k, mark: at, sibling: s.closed})
	return &s.tokens[len(s.tokens)-1]
}

// closeTo closes the blocks that are indented further than a column.
func (s *scanner) closeTo(column int) {
	if s.depth != 0 {
		return
	}
	s.closed = 0
	for s.column > column {
		s.closed = s.column
		s.add(blockEnd, s.mark)
		s.column, s.columns = s.columns[len(s.columns)-1], s.columns[:len(s.columns)-1]
	}
}

// openBlock opens a block at a column, unless such a block is open. It reports whether it
// opened one.
func (s *scanner) openBlock(column int) bool {
	if s.column >= column {
		return false
	}
	s.columns = append(s.columns, s.column)
	s.column = column
	return true
}

// scanToken scans one token, and the tokens that it implies.
func (s *scanner) scanToken() {
	s.skipToToken()
	s.expire()
	if s.mistake != nil {
		return
	}
	s.closeTo(s.mark.Column)
	c, after := s.peek(0), isBlank(s.peek(1))
	switch {
	case c == end && s.at >= len(s.text):
		s.closeTo(0)
		s.drop()
		s.mayKey, s.ended = false, true
		clear(s.pending)
		s.add(streamEnd, s.mark)
	case c == '%' && s.mark.Column == 1:
		s.document(directive)
	case s.separates('-'):
		s.document(documentStart)
	case s.separates('.'):
		s.document(documentEnd)
	case c == '[' || c == '{':
		s.opening(c)
	case c == ']' || c == '}':
		s.closing(c)
	case c == ',':
		s.mayKey = true
		s.drop()
		s.add(comma, s.mark)
		s.skip(1)
	case c == '-' && after:
		s.item()
	case c == '?' && (s.depth != 0 || after):
		s.explicitKey()
	case c == ':' && (s.depth != 0 || after):
		s.colon()
	case c == '*' || c == '&':
		s.name(c)
	case c == '!':
		s.tag()
	case (c == '|' || c == '>') && s.depth == 0:
		s.block()
	case c == '\'' || c == '"':
		s.quoted(c)
	case !strings.ContainsRune(blanks+"-?:,[]{}#&*!|>'\"%@`", c), !after && (c == '-' || s.depth == 0 && (c == '?' || c == ':')):
		s.plain()
	default:
		s.unexpectedCharacter(c)
	}
}

// skipToToken skips spaces, comments and line breaks. It does not skip tabs.
func (s *scanner) skipToToken() {
	if s.at == 0 && s.peek(0) == '\ufeff' {
		s.skip(1)
	}
	for {
		s.skipWhile(" ")
		if s.peek(0) == '#' {
			s.skipLine()
		}
		if !s.skipBreak() {
			return
		}
		if s.depth == 0 {
			s.mayKey = true
		}
	}
}

func (s *scanner) document(k kind) {
	s.closeTo(0)
	s.drop()
	s.mayKey = false
	t := s.add(k, s.mark)
	if k != directive {
		s.skip(3)
		return
	}
	begins := s.at
	s.skipLine()
	t.text = string(s.text[begins:s.at])
}

func (s *scanner) opening(c rune) {
	s.remember()
	s.depth++
	s.mayKey = true
	k := openList
	if c == '{' {
		k = openMap
	}
	s.open = append(s.open, *s.add(k, s.mark))
	s.skip(1)
}

func (s *scanner) closing(c rune) {
	s.drop()
	s.depth--
	s.mayKey = false
	k := closeList
	if c == '}' {
		k = closeMap
	}
	s.add(k, s.mark)
	if len(s.open) > 0 {
		s.open = s.open[:len(s.open)-1]
	}
	s.skip(1)
}

func (s *scanner) item() {
	if !s.begins(listStart, "begin the list in a line of its own", "an item of a list cannot begin here") {
		return
	}
	s.mayKey = true
	s.drop()
	s.add(item, s.mark)
	s.skip(1)
}

// begins reports whether an item or a key may begin here, and fails with the message if not.
// Outside of brackets it opens a block of this kind, unless it is open already.
func (s *scanner) begins(block kind, hint, message string) bool {
	if s.depth > 0 {
		return true
	}
	if !s.mayKey {
		s.fail(s.mark, hint, message)
		return false
	}
	if s.openBlock(s.mark.Column) {
		s.add(block, s.mark)
	}
	return true
}

func (s *scanner) explicitKey() {
	if !s.begins(mapStart, "put the text in quotes", "a single ? begins a key, and no key is allowed here") {
		return
	}
	s.mayKey = s.depth == 0
	s.drop()
	s.add(key, s.mark)
	s.skip(1)
}

func (s *scanner) colon() {
	if c, ok := s.pending[s.depth]; ok {
		delete(s.pending, s.depth)
		at := c.number - s.taken
		s.tokens = slices.Insert(s.tokens, at, token{kind: key, mark: c.mark, sibling: c.closed})
		if s.depth == 0 && s.openBlock(c.mark.Column) {
			s.tokens = slices.Insert(s.tokens, at, token{kind: mapStart, mark: c.mark, sibling: c.closed})
		}
		s.mayKey = false
	} else {
		if s.depth == 0 {
			if !s.mayKey {
				s.unexpectedColon()
				return
			}
			if s.openBlock(s.mark.Column) {
				s.add(mapStart, s.mark)
			}
		}
		s.mayKey = s.depth == 0
		s.drop()
	}
	s.add(value, s.mark)
	s.skip(1)
}
