package report

import (
	"cmp"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Ranking is the order of the runs of a matrix.
type Ranking struct {
	Metric string `json:"metric"`
	// Lower reports whether a lower value is better.
	Lower bool `json:"lower_is_better"`
	// Then is the order of runs that have the same value, nil for that of their numbers.
	Then *Ranking `json:"then,omitempty"`
}

var lowerIsBetter = lazyregexp.New(`(?i:loss|error|mse|perplexity|entropy|deviance|divergence|latency|` +
	`(^|[^a-z])(err|mae|s?mape|rmsle|nll|ppl|brier|fid|time|seconds|wer|cer|eer)([^a-z]|$))|[a-z]Err([^a-z]|$)`)

// LowerIsBetter reports whether a lower value of a metric is better, by its name: that of a
// loss, an error or a time. Metrics whose name says nothing count as higher is better.
func LowerIsBetter(metric string) bool { return lowerIsBetter.MatchString(metric) }

// succeeded is the status of a run whose metrics count, as Polyaxon names it.
const succeeded = "succeeded"

// Rank sorts the runs of a matrix, the best one first. It sorts by the given ranking, or
// if that is nil by the metric whose name is first in the alphabet; that name decides
// whether lower is better. Runs that did not succeed, and runs without the metric, come
// last. Rank sets BestBy.
func (j *Job) Rank(by *Ranking) {
	names := j.MetricNames()
	if by == nil && len(names) > 0 {
		by = &Ranking{Metric: names[0], Lower: LowerIsBetter(names[0])}
	}
	j.BestBy = by
	slices.SortStableFunc(j.Runs, func(a, b Run) int {
		return cmp.Or(by.compare(&a, &b), cmp.Compare(a.Number, b.Number))
	})
}

// compare returns -1 if a is better than b, 1 if b is, and 0 if nothing decides.
func (r *Ranking) compare(a, b *Run) int {
	if r == nil {
		return 0
	}
	x, hasX := a.Metrics[r.Metric]
	y, hasY := b.Metrics[r.Metric]
	hasX, hasY = hasX && a.Status == succeeded, hasY && b.Status == succeeded
	switch {
	case hasX != hasY && hasX:
		return -1
	case hasX != hasY:
		return 1
	case !hasX || x == y:
		return r.Then.compare(a, b)
	case r.Lower:
		return cmp.Compare(x, y)
	}
	return cmp.Compare(y, x)
}

// MetricNames returns the sorted names of all metrics of the runs of a matrix.
func (j *Job) MetricNames() []string {
	all := map[string]bool{}
	for _, r := range j.Runs {
		for name := range r.Metrics {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
