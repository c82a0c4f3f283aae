package lint

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// tag matches what a template computes. literal matches the texts in it, and hyphens a name
// with hyphens.
var (
	tag     = lazyregexp.New(`(?s)\{\{.*?\}\}|\{%.*?%\}`)
	literal = lazyregexp.New(`'[^']*'|"[^"]*"`)
	hyphens = lazyregexp.New(`[A-Za-z_]\w*(?:-[A-Za-z_]\w*)+`)
)

// hyphenated returns the words with hyphens, such as learning-rate, that a template has where
// it reads names. The keys are the parts of the words.
func hyphenated(text string) map[string]string {
	words := map[string]string{}
	for _, inside := range tag.FindAllString(text, -1) {
		for _, word := range hyphens.FindAllString(literal.ReplaceAllString(inside, ""), -1) {
			for part := range strings.SplitSeq(word, "-") {
				if words[part] == "" {
					words[part] = word
				}
			}
		}
	}
	return words
}

// hyphenHint says how to write a name with hyphens.
func (s *scope) hyphenHint(name string) string {
	if _, ok := s.inputs[name]; ok {
		return "write params['" + name + "'].value, or give the input a name with underscores"
	}
	if underscored := strings.ReplaceAll(name, "-", "_"); s.names[underscored] {
		return "did you mean " + underscored + "?"
	}
	return "write the name with underscores"
}
