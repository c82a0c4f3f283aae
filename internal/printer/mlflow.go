package printer

import (
	"fmt"
	"slices"

	"github.com/slipway-ci/slipway/tasks/report"
)

// maxMLflowRuns is how many runs of MLflow are shown of one run. A search for parameters may make hundreds.
const maxMLflowRuns = 10

// shownMLflow returns the runs of MLflow to show, those that are nested in others last, and how many more there are.
func shownMLflow(runs []report.MLflowRun) (shown []report.MLflowRun, more int) {
	shown = slices.Clone(runs)
	slices.SortStableFunc(shown, func(a, b report.MLflowRun) int {
		switch {
		case a.Nested == b.Nested:
			return 0
		case b.Nested:
			return -1
		}
		return 1
	})
	n := min(len(shown), maxMLflowRuns)
	return shown[:n], len(shown) - n
}

// textMLflow writes the runs of MLflow that a run has made.
func textMLflow(w *page, runs []report.MLflowRun) {
	shown, more := shownMLflow(runs)
	for _, r := range shown {
		line := "MLflow run " + r.ID
		if r.Name != "" {
			line += " (" + r.Name + ")"
		}
		w.line("  %s", line)
		if r.Address != "" {
			w.line("    at %s", r.Address)
		}
	}
	if more > 0 {
		w.line("  and %d more runs of MLflow", more)
	}
}

// summarizeMLflow returns a link to each run of MLflow that a run has made.
func summarizeMLflow(runs []report.MLflowRun) (links []string) {
	shown, more := shownMLflow(runs)
	for _, r := range shown {
		links = append(links, "MLflow "+link(shortID(r.ID), r.Address))
	}
	if more > 0 {
		links = append(links, fmt.Sprintf("and %d more runs of MLflow", more))
	}
	return links
}
