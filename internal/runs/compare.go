package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Compare returns what differs between two runs: params, metrics, commit, image, duration and cost.
func Compare(ctx context.Context, to *platform.Platform, a, b *polyaxon.Run) (*report.Comparison, error) {
	outcomes, err := outcomesOf(ctx, to, []polyaxon.Run{*a, *b})
	if err != nil {
		return nil, err
	}
	c := &report.Comparison{A: a.UUID, B: b.UUID}
	one, other := facts(to, outcomes[0]), facts(to, outcomes[1])
	for _, f := range slices.SortedFunc(maps.Keys(union(one, other)), func(x, y fact) int {
		return cmp.Or(cmp.Compare(x.order, y.order), strings.Compare(x.name, y.name))
	}) {
		if one[f] == other[f] {
			c.Same++
			continue
		}
		c.Differences = append(c.Differences, report.RunDifference{Kind: kinds[f.order], Name: f.name, A: one[f], B: other[f]})
	}
	return c, nil
}

// fact names something about a run. order is an index of kinds.
type fact struct {
	order int
	name  string
}

var kinds = [...]string{"metric", "param", "run"}

// facts returns what Compare compares of a run.
func facts(to *platform.Platform, o *run.Outcome) map[fact]string {
	all := map[fact]string{}
	for name, value := range o.Metrics {
		all[fact{0, name}] = fmt.Sprintf("%.6g", value)
	}
	for name, value := range o.Run.Inputs {
		all[fact{1, name}] = text(value)
	}
	described := ReportOutcome(o)
	commit, _ := o.Run.MetaInfo[project.MetaCommit].(string)
	for name, value := range map[string]string{"commit": commit, "image": o.Image(), "job": o.Run.Name, "status": described.Status} {
		all[fact{2, name}] = value
	}
	if o.Running != nil {
		all[fact{2, "ran"}] = o.Running.String()
	}
	if cost := Cost(to.Config.Prices, o); cost != nil {
		all[fact{2, "cost"}] = cost.String()
	}
	return all
}

func union(a, b map[fact]string) map[fact]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// text returns a value of an input as JSON, and text as it is.
func text(value any) string {
	if plain, ok := value.(string); ok {
		return plain
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// Best returns the runs of a job that succeeded, at most the newest 100, the best by a metric first. Without a metric it is
// the first by name. It returns an *exit.UsageError if there is no such run, or none has the metric.
func Best(ctx context.Context, to *platform.Platform, job string, by *report.Ranking) (*report.Job, error) {
	found, err := succeeded(ctx, to, job)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, exit.Usagef("no run named %s of project %s has succeeded (slipway runs lists runs)", job, to.Config.Project)
	}
	outcomes, err := outcomesOf(ctx, to, found)
	if err != nil {
		return nil, err
	}
	ranked := &report.Job{Name: job}
	for n, o := range outcomes {
		one := ReportOutcome(o)
		one.Number, one.Params, one.Cost = n+1, one.Inputs, Cost(to.Config.Prices, o)
		one.LastLines = nil
		ranked.Runs = append(ranked.Runs, one)
	}
	names := ranked.MetricNames()
	switch {
	case len(names) == 0:
		return nil, exit.Usagef("no run of %s has a metric (docs/metrics.md says how programs report metrics)", job)
	case by != nil && !slices.Contains(names, by.Metric):
		return nil, exit.Usagef("no run of %s has a metric %s; its runs have %s", job, by.Metric, strings.Join(names[:min(len(names), 20)], ", "))
	}
	ranked.Rank(by)
	best := ranked.Runs[0]
	best.Number, best.Params = 0, nil
	ranked.Run = best
	return ranked, nil
}

// outcomesOf returns all that is known of runs.
func outcomesOf(ctx context.Context, to *platform.Platform, all []polyaxon.Run) ([]*run.Outcome, error) {
	outcomes := make([]*run.Outcome, len(all))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(maxRequests)
	for n := range all {
		group.Go(func() (err error) {
			outcomes[n], err = run.Summarize(ctx, to.Polyaxon, to.RunTarget(&all[n]), nil)
			return err
		})
	}
	return outcomes, group.Wait()
}
