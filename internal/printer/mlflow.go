package printer

import "github.com/slipway-ci/slipway/tasks/report"

// textMLflow writes the runs of MLflow that a run has made.
func textMLflow(w *page, runs []report.MLflowRun) {
	for _, r := range runs {
		line := "MLflow run " + r.ID
		if r.Name != "" {
			line += " (" + r.Name + ")"
		}
		w.line("  %s", line)
		if r.Address != "" {
			w.line("    at %s", r.Address)
		}
	}
}

// summarizeMLflow returns a link to each run of MLflow that a run has made.
func summarizeMLflow(runs []report.MLflowRun) (links []string) {
	for _, r := range runs {
		links = append(links, "MLflow "+link(shortID(r.ID), r.Address))
	}
	return links
}
