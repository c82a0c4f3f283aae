package attestation

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// licenses are the identifiers of SPDX's list of licences and exceptions
// (spdx.org/licenses), one per line, sorted.
//
//go:embed licenses.txt
var licenses string

// identifiers returns the lines of licenses.
var identifiers = sync.OnceValue(func() []string { return strings.Fields(licenses) })

// isExpression reports whether a licence is a valid SPDX expression: identifiers of the
// list joined by AND, OR and WITH. Other texts, such as BSD, would make the document
// invalid.
func isExpression(text string) bool {
	words := strings.Fields(strings.NewReplacer("(", " ", ")", " ").Replace(text))
	for n, word := range words {
		joins := word == "AND" || word == "OR" || word == "WITH"
		if joins != (n%2 == 1) {
			return false
		}
		if _, known := slices.BinarySearch(identifiers(), strings.TrimSuffix(word, "+")); !joins && !known {
			return false
		}
	}
	return len(words)%2 == 1 && balanced(text)
}

// balanced reports whether the parentheses in text are balanced.
func balanced(text string) bool {
	depth := 0
	for _, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}
