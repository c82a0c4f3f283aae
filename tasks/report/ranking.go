package report

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
)

// Ranking is what orders the runs of a matrix.
type Ranking struct {
	Metric string `json:"metric"`
	// Lower tells that a lower value is a better one.
	Lower bool `json:"lower_is_better"`
}

var lowerIsBetter = regexp.MustCompile(`(?i)loss|err|mse|mae|perplexity|deviance|latency|(^|[_-])(time|seconds|wer|cer)([_-]|$)`)

// Rank puts the runs of a matrix in order, the best one first: by a ranking or, when
// it is nil, by the first of their metrics, whose name tells which way is better. Runs
// that did not succeed, and those without the metric, come last.
func (j *Job) Rank(by *Ranking) {
	names := j.MetricNames()
	if by == nil && len(names) > 0 {
		by = &Ranking{Metric: names[0], Lower: lowerIsBetter.MatchString(names[0])}
	}
	j.BestBy = by
	slices.SortStableFunc(j.Runs, func(a, b Run) int {
		if by == nil {
			return cmp.Compare(a.Number, b.Number)
		}
		x, hasX := a.Metrics[by.Metric]
		y, hasY := b.Metrics[by.Metric]
		hasX, hasY = hasX && a.Status == "succeeded", hasY && b.Status == "succeeded"
		switch {
		case hasX != hasY && hasX:
			return -1
		case hasX != hasY:
			return 1
		case !hasX || x == y:
			return cmp.Compare(a.Number, b.Number)
		case by.Lower:
			return cmp.Compare(x, y)
		}
		return cmp.Compare(y, x)
	})
}

// MetricNames returns the names of the metrics that the runs of a matrix have, sorted.
func (j *Job) MetricNames() []string {
	all := map[string]bool{}
	for _, r := range j.Runs {
		for name := range r.Metrics {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
