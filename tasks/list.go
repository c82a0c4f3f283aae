package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// DefaultRuns is how many runs are listed by default.
const DefaultRuns = 20

// RunsOptions are the options of Runs.
type RunsOptions struct {
	// Limit is how many runs are listed, newest first. Zero means DefaultRuns.
	Limit int `flag:"limit" default:"20" help:"list this many runs; 0 stands for 20"`
	// Services lists only active services.
	Services bool `flag:"services" help:"list only the active services"`
	// Query filters the runs in Polyaxon's query language, such as status:running.
	Query string `flag:"query" help:"filter the runs in Polyaxon's query language: status:running|queued,name:train"`
}

// Runs lists the project's newest runs, and all of its active services regardless of age.
// For services it says who started them and which resources they hold. It warns about
// services that have been running for more than a day.
func Runs(ctx context.Context, env *Env, o RunsOptions) (*Result, error) {
	if o.Limit == 0 {
		o.Limit = DefaultRuns
	}
	if o.Limit < 0 {
		return nil, exit.Usagef("--limit %d: a limit is not negative", o.Limit)
	}
	to, err := env.connect(ctx)
	if err != nil {
		return nil, err
	}
	result := to.Result("runs")
	result.Runs, err = runs.List(ctx, to, runs.Query{Limit: o.Limit, Services: o.Services, Query: o.Query})
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	return result, nil
}
