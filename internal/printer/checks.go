package printer

import (
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// textChecks writes what doctor has checked, by system, and at the end the objects to apply.
func textChecks(w *page, r *report.Result) {
	system := ""
	for i := range r.Checks {
		c := &r.Checks[i]
		if c.System != system {
			system = c.System
			w.line("%s", system)
		}
		color := ""
		if c.Outcome == report.CheckFailed || c.Outcome == report.CheckSlow {
			color = red
		}
		text := string(c.Outcome)
		if c.Detail != "" {
			text += ": " + strings.ReplaceAll(c.Detail, "\n", "; ")
		}
		w.painted(color, "  %-12s  %s", c.What, text)
		if c.Advice != "" {
			fact(w, "", "-> "+c.Advice)
		}
	}
	for i := range r.Checks {
		if m := r.Checks[i].Manifest; m != "" {
			w.line("")
			w.block(m, "  ")
		}
	}
}

// summarizeChecks returns what doctor has checked, and the objects to apply.
func summarizeChecks(r *report.Result) []string {
	t := markdownTable{header: []string{"system", "check", "outcome", "detail", "what to do"}}
	var manifests []string
	for i := range r.Checks {
		c := &r.Checks[i]
		t.row(inline(c.System), inline(c.What), inline(string(c.Outcome)), inline(c.Detail), inline(c.Advice))
		if c.Manifest != "" {
			manifests = append(manifests, fenced(strings.TrimSuffix(c.Manifest, "\n")))
		}
	}
	return append(t.section(), manifests...)
}
