// Package syntax finds the first mistake in a text that should be YAML 1.1, at the
// place where PyYAML, with which Polyaxon reads its files, tells of it, and says
// in words of its user what it is. It makes no values: a YAML library does.
package syntax

import "fmt"

// Mark is a place in a text: Line and Column count from 1, the latter in characters.
type Mark struct{ Line, Column int }

// Mistake is where and why a text is no YAML.
type Mistake struct {
	Mark
	Message string
	// Hint says what to do, where Message does not say it.
	Hint string
}

// Find gives the first mistake in a text, nil when there is none. More than one
// document is a mistake, too, and so is an alias of nothing.
func Find(text []byte) *Mistake {
	if mistake := unprintable(text); mistake != nil {
		return mistake
	}
	p := &parser{scanner: newScanner(text), anchors: map[string]Mark{}}
	if p.stream(); p.tooDeep {
		return nil
	}
	return p.mistake
}

// unprintable finds a character that no YAML has: PyYAML looks for those first.
func unprintable(text []byte) *Mistake {
	r := newScanner(text)
	for i, c := range r.text {
		if c == '\t' || c == '\n' || c == '\r' || c == '\u0085' || c >= ' ' && c <= '~' || c >= '\u00a0' && c <= 0xd7ff || c >= '\ue000' && c <= '\ufffd' || c >= '\U00010000' {
			continue
		}
		r.skip(i)
		return &Mistake{r.mark, fmt.Sprintf("there is a control character, %U", c), "remove it, or write it as an escape in double quotes"}
	}
	return nil
}

// maxDepth is how deep collections are looked into; whoever nests deeper is told by
// those that make values.
const maxDepth = 500
