package runs

import (
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Ranking returns the order of runs of a job: by first, unless it is nil, and then by the metrics that the job
// requires, by name. It is nil if nothing decides.
func Ranking(first *report.Ranking, j *config.Job) *report.Ranking {
	var by *report.Ranking
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(j.Require))) {
		c, err := metrics.ParseCondition(j.Require[name])
		if err == nil && (first == nil || first.Metric != name) {
			by = &report.Ranking{Metric: name, Lower: !c.HigherIsBetter(), Then: by}
		}
	}
	if first == nil {
		return by
	}
	return &report.Ranking{Metric: first.Metric, Lower: first.Lower, Then: by}
}
