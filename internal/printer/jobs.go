package printer

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

func textJobs(w *page, r *report.Result) {
	for _, j := range r.Jobs {
		w.painted(failed(j.Status), "%s: %s", j.Name, jobLine(j))
		textMetrics(w, j.Metrics)
		textGate(w, &j)
		textMLflow(w, j.MLflow)
		if j.Address != "" {
			w.line("  address: %s", j.Address)
		}
		if len(j.Outputs) > 0 {
			w.line("  outputs: %s", strings.Join(j.Outputs, ", "))
			if j.OutputsAt != "" {
				w.line("    in %s", j.OutputsAt)
			}
		}
		textKept(w, j.Kept)
		if isMatrix(&j) {
			textMatrix(w, &j)
		}
		if j.Diff != "" {
			w.block(j.Diff, "  ")
		}
	}
}

func jobLine(j report.Job) string {
	parts := []string{}
	if j.Action != "" {
		parts = append(parts, string(j.Action))
	}
	if j.Status != "" {
		parts = append(parts, j.Status)
	}
	if j.UUID != "" {
		parts = append(parts, "run "+j.UUID)
	}
	if j.Times != nil {
		parts = append(parts, fmt.Sprintf("ran %s, waited %s", Seconds(j.Running), Seconds(j.Queued)))
	}
	if j.Cost != nil {
		parts = append(parts, "cost "+formatCost(j.Cost))
	}
	if j.Message != "" && (len(j.Runs) > 0 || j.Status == "") { // events and the error say why a run failed
		parts = append(parts, j.Message)
	}
	if len(parts) == 0 { // the deploy ended before
		return "not submitted"
	}
	return strings.Join(parts, ", ")
}

// lineBreak ends a line within the cell of a Markdown table.
const lineBreak = "<br>"

func summarizeJobs(r *report.Result) []string {
	t := markdownTable{header: []string{"job", "status", "run", "ran", "metrics", "compared with", "artifacts"}}
	for _, j := range r.Jobs {
		var metrics []string
		names, more := metricNames(j.Metrics)
		for _, name := range names {
			metrics = append(metrics, inline(name)+" = "+number(j.Metrics[name])+difference(&j, name))
		}
		if more > 0 {
			metrics = append(metrics, fmt.Sprintf("%d more", more))
		}
		metrics = append(metrics, summarizeMLflow(j.MLflow)...)
		base := ""
		if j.Base != nil {
			base = inline(j.Base.Branch) + ", run " + code(shortID(j.Base.UUID))
		}
		ran := ""
		if j.Times != nil {
			ran = Seconds(j.Running)
		}
		t.row(inline(j.Name), inline(strings.TrimSpace(string(j.Action)+" "+j.Status)), link(shortID(j.UUID), j.Address), ran, strings.Join(metrics, lineBreak), base, summarizeKept(j.Kept))
	}
	return t.section()
}

func summarizeLastLines(r *report.Result) (sections []string) {
	for _, j := range r.Jobs {
		if len(j.LastLines) == 0 || polyaxon.Status(j.Status) == polyaxon.Succeeded {
			continue
		}
		of := ""
		if j.LastLinesOf != "" {
			of = ", container " + code(j.LastLinesOf)
		}
		sections = append(sections, fmt.Sprintf("Last lines of %s%s:\n\n%s", code(j.Name), of, fenced(strings.Join(j.LastLines, "\n"))))
	}
	return sections
}
