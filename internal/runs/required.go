package runs

import (
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/tasks/report"
)

// RequiredRanking returns the order of runs by the first metric, by name, that their job requires, or nil.
func RequiredRanking(j *config.Job) *report.Ranking {
	for _, name := range slices.Sorted(maps.Keys(j.Require)) {
		if c, err := metrics.ParseCondition(j.Require[name]); err == nil {
			return &report.Ranking{Metric: name, Lower: !c.HigherIsBetter()}
		}
	}
	return nil
}

// required returns RequiredRanking if runs have the metric, and j is a job of slipway.yaml.
func required(j *config.Job, has []string) *report.Ranking {
	if j == nil {
		return nil
	}
	by := RequiredRanking(j)
	if by == nil || !slices.Contains(has, by.Metric) {
		return nil
	}
	return by
}
