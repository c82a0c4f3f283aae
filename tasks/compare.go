package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// CompareOptions are the options of RunsCompare.
type CompareOptions struct {
	// A and B are as in RunOptions.
	A string `arg:"A" complete:"run"`
	B string `arg:"B" complete:"run"`
}

// RunsCompare reports what differs between two runs: metrics, params, commit, image, duration and cost.
func RunsCompare(ctx context.Context, env *Env, o CompareOptions) (*Result, error) {
	return withRun(ctx, env, "runs compare", o.A, func(to *platform.Platform, a *polyaxon.Run, result *Result) error {
		b, err := runs.Find(ctx, to, o.B)
		if err != nil {
			return err
		}
		result.Comparison, err = runs.Compare(ctx, to, a, b, service.NewMLflow(to).Add)
		return err
	})
}

// BestOptions are the options of RunsBest.
type BestOptions struct {
	// Job is the name of a job.
	Job string `arg:"JOB" complete:"job"`
	// Metric is the metric that decides. Empty means the one that the job requires, or else the first by name.
	Metric string `flag:"metric" value:"NAME" help:"the metric that decides; without it the one that the job requires, or else the first by name"`
	// Min makes the lowest value the best.
	Min bool `flag:"min" help:"the lowest value is the best; without it the highest"`
}

// RunsBest reports the runs of a job that succeeded, the best by a metric first.
func RunsBest(ctx context.Context, env *Env, o BestOptions) (*Result, error) {
	var by *report.Ranking
	switch {
	case o.Metric != "":
		by = &report.Ranking{Metric: o.Metric, Lower: o.Min}
	case o.Min:
		return nil, exit.Usagef("--min needs --metric NAME")
	}
	to, err := env.connect(ctx)
	if err != nil {
		return nil, err
	}
	result := to.Result("runs best")
	best, err := runs.Best(ctx, to, o.Job, by, service.NewMLflow(to).Add)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	result.Jobs = []report.Job{*best}
	return result, nil
}
