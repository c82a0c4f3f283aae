package printer

import (
	"math"

	"github.com/slipway-ci/slipway/tasks/report"
)

// difference returns by how much a metric of a job differs from that of its base, such as
// " (+0.012, better)", or "" if there is nothing to compare with.
func difference(j *report.Job, metric string) string {
	if j.Base == nil {
		return ""
	}
	before, ok := j.Base.Metrics[metric]
	if !ok {
		return " (new)"
	}
	by := j.Metrics[metric] - before
	lower := report.LowerIsBetter(metric)
	for ranks := j.BestBy; ranks != nil; ranks = ranks.Then {
		if ranks.Metric == metric {
			lower = ranks.Lower
		}
	}
	switch {
	case math.IsNaN(by):
		return ""
	case by == 0:
		return " (same)"
	case (by < 0) == lower:
		return " (" + signed(by) + ", better)"
	}
	return " (" + signed(by) + ", worse)"
}

func signed(by float64) string {
	if by > 0 {
		return "+" + number(by)
	}
	return number(by)
}
