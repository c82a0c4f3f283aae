package command

import (
	"strings"
	"unicode"
)

// camel returns a name in camel case: failPending for fail-pending.
func camel(name string) string {
	parts := strings.Split(name, "-")
	for n, part := range parts[1:] {
		parts[n+1] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, "")
}

// title returns a word with its first letter in upper case.
func title(word string) string { return first(word, unicode.ToUpper) }

// lower returns a text with its first letter in lower case.
func lower(text string) string { return first(text, unicode.ToLower) }

func first(text string, change func(rune) rune) string {
	letters := []rune(text)
	letters[0] = change(letters[0])
	return string(letters)
}
