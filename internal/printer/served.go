package printer

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// textServed writes which models are served: the runs that made them, their metrics, and where.
func textServed(w *page, r *report.Result) {
	for _, s := range r.Served {
		w.line("serve %s: %s", s.Name, servedLine(&s))
		textMetrics(w, s.Metrics)
		if s.Address != "" {
			w.line("  address: %s", s.Address)
		}
	}
}

// servedLine returns in one line what is done, which run's model is served, and by what.
func servedLine(s *report.Served) string {
	var parts []string
	for _, part := range []string{string(s.Action), servedModel(s)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if s.Commit != "" {
		parts = append(parts, "commit "+shortCommit(s.Commit))
	}
	if len(s.By) > 0 {
		parts = append(parts, "by "+strings.Join(s.By, " and "))
	}
	return strings.Join(parts, ", ")
}

// servedModel returns which model is served, in words.
func servedModel(s *report.Served) string {
	text := "the run that " + s.Model + " makes"
	if s.Run != "" {
		text = fmt.Sprintf("run %s of %s", s.Run, s.Model)
	}
	if s.Message != "" {
		text += " (" + s.Message + ")"
	}
	return text
}

// shortCommit returns the beginning of a commit, with what follows its digits.
func shortCommit(commit string) string {
	digits, rest, dirty := strings.Cut(commit, "-")
	digits = digits[:min(12, len(digits))]
	if dirty {
		return digits + "-" + rest
	}
	return digits
}

func summarizeServed(r *report.Result) []string {
	t := markdownTable{title: "What is served:", header: []string{"serve", "action", "model", "commit", "metrics", "by"}}
	for _, s := range r.Served {
		model := code(shortID(s.Run)) + " of " + inline(s.Model)
		if s.Run == "" {
			model = inline(servedModel(&s))
		}
		var metrics []string
		names, more := metricNames(s.Metrics)
		for _, name := range names {
			metrics = append(metrics, inline(name)+" = "+number(s.Metrics[name]))
		}
		if more > 0 {
			metrics = append(metrics, fmt.Sprintf("%d more", more))
		}
		t.row(link(s.Name, s.Address), inline(string(s.Action)), model, inline(shortCommit(s.Commit)), strings.Join(metrics, lineBreak), inline(strings.Join(s.By, ", ")))
	}
	return t.section()
}
