// Package logline makes the lines that jobs print safe to print.
package logline

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// sgr matches a color or another harmless text attribute (ECMA-48, SGR).
var sgr = lazyregexp.New(`^\x1b\[[0-9;:]*m`)

// zeroWidthSpace is inserted into what must not be a workflow command: a zero-width space.
const zeroWidthSpace = "\u200b"

// Sanitize returns a line that a job printed in a form that is safe to print. Control
// characters, and characters that change the direction of text, are escaped, except for
// tabs and colors. What GitHub's runner would take for a workflow command is broken with
// a zero-width space. The runner recognizes `::set-output` after any blanks, and
// `##[group]` anywhere. Sanitize is idempotent.
func Sanitize(line string) string {
	if isSafe(line) {
		return line
	}
	var b strings.Builder
	b.Grow(len(line) + 16)
	for at := 0; at < len(line); {
		if line[at] == 0x1b {
			if escape := sgr.FindString(line[at:]); escape != "" {
				b.WriteString(escape)
				at += len(escape)
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(line[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, line[at])
		case r == '\r' && at == len(line)-1:
		case r == '\r':
			b.WriteString(`\r`)
		case r != '\t' && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case isUnsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(line[at : at+size])
		}
		at += size
	}
	text := strings.ReplaceAll(b.String(), "##[", "#"+zeroWidthSpace+"#[")
	if trimmed := strings.TrimLeftFunc(text, unicode.IsSpace); strings.HasPrefix(trimmed, "::") {
		text = text[:len(text)-len(trimmed)] + ":" + zeroWidthSpace + trimmed[1:]
	}
	return text
}

// SanitizeText returns text of any number of lines with each line as Sanitize returns it.
func SanitizeText(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Sanitize(line)
	}
	return strings.Join(lines, "\n")
}

// colors matches what Sanitize keeps for its colors, anywhere in a text.
var colors = lazyregexp.New(`\x1b\[[0-9;:]*m`)

// PlainText returns text as SanitizeText does, without colors. It is for text that no job printed.
func PlainText(text string) string {
	return strings.ReplaceAll(SanitizeText(colors.ReplaceAllString(text, "")), "\x1b", `\x1b`)
}

// isUnsafe reports whether some readers take a character for the end of a line, or whether
// it changes the direction of the text after it.
func isUnsafe(r rune) bool {
	return r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// isSafe reports whether a line needs no change, which is the common case.
func isSafe(line string) bool {
	for i := range len(line) {
		switch c := line[i]; {
		case c == '#' && strings.HasPrefix(line[i:], "##["), c < ' ' && c != '\t', c >= 0x7f:
			return false
		}
	}
	return !strings.HasPrefix(strings.TrimLeft(line, " \t"), "::")
}
