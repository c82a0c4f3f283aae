package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/source"
)

// Problem is one finding of check.
type Problem struct {
	source.Position
	// Length is how many characters from the position on are at fault, 0 when that is
	// not known.
	Length   int    `json:"length,omitempty"`
	Severity string `json:"severity"` // error, warning
	// Name is the rule's; docs/lints.md has a section for it.
	Name    string `json:"name,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Stage is when Polyaxon would find it: submit, compile or run; left out where it
	// never would.
	Stage string `json:"stage,omitempty"`
	// Versions are those of Polyaxon that it is for, where that is not all of those
	// that were checked.
	Versions []string `json:"versions,omitempty"`
	// Source is the line at fault.
	Source string `json:"source,omitempty"`
	// Fixable tells that check --fix mends it.
	Fixable bool `json:"fixable,omitempty"`
}

// Rule is what a Problem's name stands for.
type Rule struct {
	Name, Summary, Help, Severity string
}

// textProblems writes problems as compilers do: the place and what is wrong, the
// line with a caret below it, and what to do.
func textProblems(w *page, r *Result) {
	for _, p := range r.Problems {
		message := p.Message
		if len(p.Versions) > 0 {
			message += ", on Polyaxon " + strings.Join(p.Versions, " and ")
		}
		if p.Name != "" {
			message += " [" + p.Name + "]"
		}
		w.entry("%s: %s: %s", p.Position.String(), p.Severity, message)
		gutter := strings.Repeat(" ", len(strconv.Itoa(p.Line)))
		if p.Source != "" && p.Line > 0 {
			w.quote(fmt.Sprintf("  %d | ", p.Line), p.Source)
			if p.Column > 0 {
				w.quote("  "+gutter+" | ", caret(p))
			}
		}
		switch {
		case p.Hint != "" && p.Fixable:
			w.entry("  %s = %s (check --fix does it)", gutter, p.Hint)
		case p.Hint != "":
			w.entry("  %s = %s", gutter, p.Hint)
		case p.Fixable:
			w.entry("  %s = check --fix mends it", gutter)
		}
	}
}

// caret points below the place in the line. Tabs stay, so that it lines up
// however wide they are.
func caret(p Problem) string {
	var b strings.Builder
	column := 1
	for _, r := range p.Source {
		if column == p.Column {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
		column++
	}
	left := utf8.RuneCountInString(p.Source) - p.Column + 1
	b.WriteString("^" + strings.Repeat("~", max(0, min(p.Length, left)-1)))
	return b.String()
}
