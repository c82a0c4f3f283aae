package syntax

import "strings"

// end marks the end of the text.
const end = '\x00'

// breaks are the line breaks of YAML 1.1. blanks are the characters that end a word.
const (
	breaks = "\r\n\u0085\u2028\u2029"
	blanks = " \t" + breaks + "\x00"
)

func isBreak(c rune) bool { return strings.ContainsRune(breaks, c) }
func isBlank(c rune) bool { return strings.ContainsRune(blanks, c) }

// reader reads a text and keeps track of the position.
type reader struct {
	text []rune
	at   int
	mark Mark
}

func (r *reader) peek(ahead int) rune {
	if r.at+ahead < len(r.text) {
		return r.text[r.at+ahead]
	}
	return end
}

func (r *reader) skip(n int) {
	for ; n > 0 && r.at < len(r.text); n-- {
		switch c := r.text[r.at]; {
		case isBreak(c) && !(c == '\r' && r.peek(1) == '\n'):
			r.mark.Line++
			r.mark.Column = 1
		case c != '\ufeff':
			r.mark.Column++
		}
		r.at++
	}
}

// skipWhile skips the given characters, and returns how many it skipped.
func (r *reader) skipWhile(characters string) int {
	n := 0
	for c := r.peek(0); c != end && strings.ContainsRune(characters, c); c = r.peek(0) {
		r.skip(1)
		n++
	}
	return n
}

// skipLine skips to the next line break.
func (r *reader) skipLine() {
	for c := r.peek(0); c != end && !isBreak(c); c = r.peek(0) {
		r.skip(1)
	}
}

// skipBreak skips one line break, if there is one, and reports whether it did. \r\n is a
// single line break.
func (r *reader) skipBreak() bool {
	c := r.peek(0)
	if !isBreak(c) {
		return false
	}
	if c == '\r' && r.peek(1) == '\n' {
		r.skip(1)
	}
	r.skip(1)
	return true
}

// separates reports whether a document separator, --- or ..., begins here.
func (r *reader) separates(sign rune) bool {
	return r.mark.Column == 1 && r.peek(0) == sign && r.peek(1) == sign && r.peek(2) == sign && isBlank(r.peek(3))
}

func (r *reader) separatesAny() bool { return r.separates('-') || r.separates('.') }

// word returns how many letters, digits, - and _ follow.
func (r *reader) word() int {
	n := 0
	for {
		c := r.peek(n)
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_') {
			return n
		}
		n++
	}
}
