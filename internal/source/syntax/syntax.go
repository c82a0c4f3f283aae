// Package syntax finds the first mistake in a text that should be YAML 1.1. It reports
// the mistake at the position at which PyYAML reports it, because Polyaxon reads its
// files with PyYAML, and describes it in terms that users know. It does not produce
// values; a YAML library does that.
package syntax

import "fmt"

// Mark is a position in a text. Line and Column count from 1. Column is in characters.
type Mark struct{ Line, Column int }

// Mistake says where and why a text is not valid YAML.
type Mistake struct {
	Mark
	Message string
	// Hint says what to do, unless Message already says so.
	Hint string
}

// Find returns the first mistake in a text, or nil when there is none. A second document
// is a mistake, and so is an alias without an anchor. Find also returns nil for a text
// that is nested more deeply than 500 levels: reading its values reports that.
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

// unprintable finds a character that YAML does not allow. PyYAML checks this first.
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

// maxDepth is the maximum depth of collections that are parsed. Deeper nesting is
// reported when values are read.
const maxDepth = 500
