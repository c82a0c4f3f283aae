package source

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Shorten returns at most the first 200 bytes of a text.
func Shorten(text string) string {
	const limit = 200
	if len(text) <= limit {
		return text
	}
	cut := limit
	for cut > limit-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}

// ShortenList returns the first names of a list, at most most of them, and how many more there are.
func ShortenList(names []string, most int) string {
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
