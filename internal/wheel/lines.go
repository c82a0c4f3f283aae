package wheel

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// line is a logical line of a requirements file: continuation lines are joined, and
// comments are removed.
type line struct {
	file     string
	text     string
	segments []segment
}

// segment is the position in the file at which a stretch of a line begins.
type segment struct{ offset, line, column int }

// position returns the position in the file of a byte of the line.
func (l line) position(offset int) source.Position {
	after, _ := slices.BinarySearchFunc(l.segments, offset+1, func(s segment, offset int) int { return cmp.Compare(s.offset, offset) })
	at := l.segments[max(after-1, 0)]
	offset = min(offset, len(l.text))
	column := at.column
	if at.offset < offset {
		column += utf8.RuneCountInString(l.text[at.offset:offset])
	}
	return source.Position{File: l.file, Line: at.line, Column: column}
}

// comment matches a comment, which begins at the start of a line or after a blank. A "#"
// elsewhere may be part of a URL.
var comment = lazyregexp.New(`(^|[ \t]+)#.*$`)

// splitLines returns the nonempty logical lines of a requirements file of pip. A comment
// line ends a continued line.
func splitLines(file, text string) []line {
	var lines []line
	var current line
	var joined strings.Builder
	flush := func() {
		if current.text = joined.String(); strings.TrimSpace(current.text) != "" {
			lines = append(lines, current)
		}
		current = line{file: file}
		joined.Reset()
	}
	flush()
	text = strings.TrimPrefix(text, "\ufeff")
	number := 0
	for physical := range strings.Lines(text) {
		number++
		physical = strings.TrimRight(physical, "\r\n")
		at := comment.FindStringIndex(physical)
		body, continued := strings.CutSuffix(physical, `\`)
		if at != nil {
			body, continued = physical[:at[0]], false
		}
		trimmed := strings.TrimLeft(body, " \t\f")
		if joined.Len() > 0 { // a continuation separates words
			joined.WriteByte(' ')
		}
		current.segments = append(current.segments, segment{joined.Len(), number, 1 + utf8.RuneCountInString(body[:len(body)-len(trimmed)])})
		joined.WriteString(trimmed)
		if !continued {
			flush()
		}
	}
	flush()
	return lines
}

// word is a stretch of a line between blanks.
type word struct {
	text   string
	offset int
}

// words splits the line into words, beginning at an offset.
func (l line) words(from int) []word {
	var words []word
	for from < len(l.text) {
		rest := l.text[from:]
		start := len(rest) - len(strings.TrimLeft(rest, " \t\f"))
		length := strings.IndexAny(rest[start:], " \t\f")
		if length < 0 {
			length = len(rest) - start
		}
		if length > 0 {
			words = append(words, word{rest[start : start+length], from + start})
		}
		from += start + length
		if length == 0 {
			break
		}
	}
	return words
}
