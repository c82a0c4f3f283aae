package printer

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// unknownWidth is the assumed width of a page of unknown width, in columns.
const unknownWidth = 80

// columns returns how many columns of a terminal text takes.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// clip cuts text to most columns. Text that was cut ends in an ellipsis.
func clip(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	taken := 0
	for at, r := range text {
		if taken += columnsOf(r); taken >= most {
			return text[:at] + "…"
		}
	}
	return text
}

// wrap breaks a comma-separated list into lines of at most most columns. An item is not
// broken.
func wrap(list string, most int) []string {
	var lines []string
	for item := range strings.SplitAfterSeq(list, ", ") {
		if n := len(lines) - 1; n >= 0 && columns(lines[n]+strings.TrimRight(item, " ")) <= most {
			lines[n] += item
		} else {
			lines = append(lines, item)
		}
	}
	for n := range lines {
		lines[n] = strings.TrimRight(lines[n], " ")
	}
	return lines
}

// EscapeLine returns text from a job, a server or a file as part of one line: without colours,
// and with control characters escaped, so that it cannot act on a terminal or start a new
// line.
func EscapeLine(text string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(EscapeText(text))
}
