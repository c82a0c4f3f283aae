package file

import (
	"bytes"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// Line returns the text of the line at a position in this file or in a file that it
// refers to. It returns "" when the line does not exist.
func (f *File) Line(at source.Position) string {
	lines := f.texts[at.File]
	if at.Line < 1 || at.Line > len(lines) {
		return ""
	}
	return string(lines[at.Line-1])
}

// Comments returns the comments for a position, without their #: the comment at the end
// of its line, and the whole-line comments directly above.
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

// comment returns the text after a # that is neither inside quotes nor inside a word.
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

// lines splits a text at the line breaks of YAML 1.1 (section 5.4), so that line numbers
// agree with those of PyYAML.
func lines(text []byte) [][]byte {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return bytes.Split([]byte(breaks.Replace(string(text))), []byte("\n"))
}
