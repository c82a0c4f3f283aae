package pipeline

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/report"
)

// addServerRuns adds the runs of a matrix that the server expanded to the job's result, best
// first. If the server does not list the runs, that is only a warning, because the result of
// the job is already known.
func (p *Pipeline) addServerRuns(ctx context.Context, j *config.Job, s run.Submission, e *JobResult) {
	if ctx.Err() != nil || e.UUID() == "" {
		return
	}
	operation, err := operation.Parse([]byte(s.Content))
	if err != nil || !matrix.Has(operation) {
		return
	}
	trials, err := p.trials(ctx, j, e.UUID())
	if err != nil {
		p.Event(report.Warning, "run", j.Name, fmt.Sprintf("the runs of its matrix cannot be listed: %v", err))
		return
	}
	varied := matrix.Params(operation)
	for n := range trials {
		trials[n].Number, trials[n].Params = n+1, map[string]any{}
		for _, name := range varied {
			if value, given := trials[n].Inputs[name]; given {
				trials[n].Params[name] = value
			}
		}
	}
	e.Runs = trials
	var by *report.Ranking
	if metric, minimize := matrix.Objective(operation); metric != "" {
		by = &report.Ranking{Metric: metric, Lower: minimize}
	}
	e.rank(runs.Ranking(by, j))
}

// maxTrials is how many runs of a matrix are listed at most.
const maxTrials = 1000

// trials returns the runs that the server created for a job's matrix, oldest first.
func (p *Pipeline) trials(ctx context.Context, j *config.Job, matrix string) ([]report.Run, error) {
	var found []polyaxon.Run
	for len(found) < maxTrials {
		page, count, err := p.Polyaxon.Runs(ctx, p.Config.Project, polyaxon.Query{Query: "pipeline:" + matrix, Sort: "created_at", Limit: 100, Offset: len(found)})
		if err != nil {
			return nil, err
		}
		if found = append(found, page...); len(page) == 0 || len(found) >= count {
			break
		}
	}
	if len(found) > 50 {
		p.Note(fmt.Sprintf("reading the results of the %d runs of %s", len(found), j.Name))
	}
	trials := make([]report.Run, len(found))
	group, asking := panics.WithContext(ctx)
	group.SetLimit(jobLimit)
	for n := range found {
		group.Go(func() error {
			outcome, err := run.Summarize(asking, p.Polyaxon, p.RunTarget(&found[n]), nil)
			if err != nil {
				return err
			}
			p.warnOfMetrics(j.Name, outcome)
			trials[n] = runs.ReportOutcome(outcome)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p.AddMLflow.To(ctx, j.Name, runs.Pointers(trials)...)
	return trials, nil
}
