package runs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// AddMLflow adds MLflow's runs and metrics to runs of a job that have ended. It reports by itself what it cannot
// find.
type AddMLflow func(ctx context.Context, job string, all ...*report.Run)

// To adds them unless f is nil.
func (f AddMLflow) To(ctx context.Context, job string, all ...*report.Run) {
	if f != nil {
		f(ctx, job, all...)
	}
}

// Compare returns what differs between two runs: params, metrics, commit, image, duration and cost. add may be
// nil.
func Compare(ctx context.Context, to *platform.Platform, a, b *polyaxon.Run, add AddMLflow) (*report.Comparison, error) {
	outcomes, err := outcomesOf(ctx, to, []polyaxon.Run{*a, *b})
	if err != nil {
		return nil, err
	}
	c := &report.Comparison{A: a.UUID, B: b.UUID}
	var both [2]map[fact]string
	var values [2]map[string]float64
	for n, o := range outcomes {
		described := ReportOutcome(o)
		add.To(ctx, o.Run.Name, &described)
		both[n], values[n] = facts(to, o, &described), described.Metrics
	}
	one, other := both[0], both[1]
	for _, f := range slices.SortedFunc(maps.Keys(union(one, other)), func(x, y fact) int {
		return cmp.Or(cmp.Compare(x.order, y.order), strings.Compare(x.name, y.name))
	}) {
		if one[f] == other[f] {
			c.Same++
			continue
		}
		d := report.RunDifference{Kind: kinds[f.order], Name: f.name, A: one[f], B: other[f]}
		if d.Kind == metric && d.A != "" && d.B != "" {
			shown := metrics.Format(values[0][f.name], values[1][f.name])
			d.A, d.B = shown[0], shown[1]
		}
		c.Differences = append(c.Differences, d)
	}
	return c, nil
}

// fact names something about a run. order is an index of kinds.
type fact struct {
	order int
	name  string
}

const metric = "metric"

var kinds = [...]string{metric, "param", "run"}

// facts returns what Compare compares of a run.
func facts(to *platform.Platform, o *run.Outcome, described *report.Run) map[fact]string {
	all := map[fact]string{}
	for name, value := range described.Metrics {
		all[fact{0, name}] = fmt.Sprint(value)
	}
	for name, value := range o.Run.Inputs {
		all[fact{1, name}] = text(value)
	}
	for name, value := range map[string]string{"commit": CommitOf(&o.Run), "image": o.Image(), "job": o.Run.Name, "status": described.Status} {
		all[fact{2, name}] = value
	}
	if t := described.Times; t.Running != nil {
		all[fact{2, "ran"}] = printer.Seconds(t.Running)
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
