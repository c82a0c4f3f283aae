package printer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/tasks/report"
)

// textProblems writes problems as compilers do: the position and the message, the line
// with a caret below it, and a hint.
func textProblems(w *page, r *report.Result) {
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
			w.entry("  %s = %s (check --fix fixes this)", gutter, p.Hint)
		case p.Hint != "":
			w.entry("  %s = %s", gutter, p.Hint)
		case p.Fixable:
			w.entry("  %s = check --fix fixes this", gutter)
		}
	}
}

// caret returns the line below p.Source that marks p.Column. It keeps tabs, so that the
// mark is in the right place whatever their width.
func caret(p report.Problem) string {
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
