package run

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// sgr is a colour or another harmless text attribute (ECMA-48, SGR).
var sgr = regexp.MustCompile(`^\x1b\[[0-9;]*m`)

// Sanitize gives a line that a job printed in a form that can be printed again:
// control characters stand as escapes, except tabs and colours, and what GitHub's
// runner would take for a workflow command (`::set-output`, `##[group]`) is broken
// by a zero-width space.
func Sanitize(line string) string {
	if clean(line) {
		return line
	}
	var b strings.Builder
	for rest := line; rest != ""; {
		if escape := sgr.FindString(rest); escape != "" {
			b.WriteString(escape)
			rest = rest[len(escape):]
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case r == '\t', r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f):
			b.WriteRune(r)
		case r == '\r' && len(rest) == size:
		case r == '\r':
			b.WriteString(`\r`)
		default:
			fmt.Fprintf(&b, `\x%02x`, r)
		}
		rest = rest[size:]
	}
	text := b.String()
	trimmed := strings.TrimLeft(text, " \t")
	for _, command := range []string{"::", "##["} {
		if strings.HasPrefix(trimmed, command) {
			blanks := len(text) - len(trimmed)
			return text[:blanks] + command[:1] + "\u200b" + trimmed[1:]
		}
	}
	return text
}

// clean is the common case: nothing to change.
func clean(line string) bool {
	for i := range len(line) {
		if line[i] < ' ' && line[i] != '\t' || line[i] >= 0x7f {
			return false
		}
	}
	trimmed := strings.TrimLeft(line, " \t")
	return !strings.HasPrefix(trimmed, "::") && !strings.HasPrefix(trimmed, "##[")
}
