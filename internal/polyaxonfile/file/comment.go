package file

import (
	"bytes"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// Line gives the line at a position in this file, or in one that it refers to; ""
// when there is none.
func (f *File) Line(at source.Position) string {
	lines := f.texts[at.File]
	if at.Line < 1 || at.Line > len(lines) {
		return ""
	}
	return string(lines[at.Line-1])
}

// Comments gives the comments for a position, without their #: the one at the end of
// its line, and those that fill the lines right above.
func (f *File) Comments(at source.Position) []string {
	var comments []string
	if text, ok := comment(f.Line(at)); ok {
		comments = append(comments, text)
	}
	for at.Line--; at.Line > 0; at.Line-- {
		line := strings.TrimSpace(f.Line(at))
		if !strings.HasPrefix(line, "#") {
			break
		}
		comments = append(comments, strings.TrimSpace(strings.TrimLeft(line, "#")))
	}
	return comments
}

// comment gives what follows a # that is neither in quotes nor within a word.
func comment(line string) (string, bool) {
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		apart := i == 0 || line[i-1] == ' ' || line[i-1] == '\t'
		switch {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && (apart || strings.IndexByte("[{,", line[i-1]) >= 0):
			quote = c
		case c == '#' && apart:
			return strings.TrimSpace(strings.TrimLeft(line[i:], "#")), true
		}
	}
	return "", false
}

// lines splits a text where YAML 1.1 counts a line break (its section 5.4), so that
// what is told of a place is of the line with its number.
func lines(text []byte) [][]byte {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return bytes.Split([]byte(breaks.Replace(string(text))), []byte("\n"))
}
