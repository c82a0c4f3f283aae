package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// DefaultRuns is how many runs are listed when nobody says how many.
const DefaultRuns = 20

// RunsOptions say which runs are listed.
type RunsOptions struct {
	// Limit is how many, the newest first; DefaultRuns when zero.
	Limit int `flag:"limit" default:"20" help:"list this many runs"`
	// Services lists only the active services.
	Services bool `flag:"services" help:"list only the active services"`
	// Query filters the runs in Polyaxon's query language, such as status:running.
	Query string `flag:"query" help:"filter the runs in Polyaxon's query language: status:running|queued,name:train"`
}

// Runs lists the project's newest runs, and all of its active services, however old: with who started
// them, and what they hold. It warns of services that have been running for more than a day.
func Runs(ctx context.Context, env *Env, o RunsOptions) (*Result, error) {
	if o.Limit == 0 {
		o.Limit = DefaultRuns
	}
	if o.Limit < 0 {
		return nil, exit.Usagef("--limit %d: list 1 run or more", o.Limit)
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
