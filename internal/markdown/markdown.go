// Package markdown breaks the text of generated pages into lines.
package markdown

import (
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Columns is how wide the lines of generated pages are at most.
const Columns = 118

// Item returns text as an item of a list.
func Item(text string) string {
	return "- " + strings.ReplaceAll(Wrap(text, Columns-2), "\n", "\n  ") + "\n"
}

// Wrap breaks text into lines of at most so many columns, where its words allow. It does
// not break the code between two backquotes, and begins no line with what Markdown would
// read as the beginning of something else.
func Wrap(text string, columns int) string {
	var b strings.Builder
	at := 0
	for n, word := range words(text) {
		width := utf8.RuneCountInString(word)
		switch {
		case n == 0:
		case at+1+width > columns:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += width
	}
	return b.String()
}

// block matches a word that makes something else than a paragraph of a line that begins
// with it: a list, a heading, a quotation or a table.
var block = lazyregexp.New(`^([+*]|#+|-+|=+|[0-9]+[.)]|[>|].*)$`)

// words returns the parts of a text that stay on one line.
func words(text string) []string {
	var all []string
	code := false
	for _, word := range strings.Fields(text) {
		if n := len(all) - 1; n >= 0 && (code || block.MatchString(word)) {
			all[n] += " " + word
		} else {
			all = append(all, word)
		}
		if strings.Count(word, "`")%2 == 1 {
			code = !code
		}
	}
	return all
}
