package tasks

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// tabled adds to a job whose matrix the server runs itself the runs that it made, the
// best one first. What cannot be asked is a warning: how the job ended is known.
func (p *project) tabled(ctx context.Context, to *platform, j *config.Job, s run.Submission, reported report.Job) report.Job {
	if ctx.Err() != nil || reported.UUID == "" {
		return reported
	}
	operation, err := operation.Parse([]byte(s.Content))
	if err != nil || !matrix.Has(operation) {
		return reported
	}
	runs, err := p.trials(ctx, to, j, reported.UUID)
	if err != nil {
		p.event(report.Warning, "run", j.Name, fmt.Sprintf("the runs of its matrix are not told: %v", err))
		return reported
	}
	varied := matrix.Params(operation)
	for n := range runs {
		runs[n].Number, runs[n].Params = n+1, map[string]any{}
		for _, name := range varied {
			if value, given := runs[n].Inputs[name]; given {
				runs[n].Params[name] = value
			}
		}
	}
	reported.Runs = runs
	var by *report.Ranking
	if metric, minimize := matrix.Objective(operation); metric != "" {
		by = &report.Ranking{Metric: metric, Lower: minimize}
	}
	reported.Rank(by)
	return reported
}

// maxTrials bounds how many runs of a matrix are told.
const maxTrials = 1000

// trials gives the runs that a server made of a job's matrix, in their order.
func (p *project) trials(ctx context.Context, to *platform, j *config.Job, matrix string) ([]report.Run, error) {
	var found []polyaxon.Run
	for len(found) < maxTrials {
		page, count, err := to.polyaxon.Runs(ctx, p.config.Project, polyaxon.Query{Query: "pipeline:" + matrix, Sort: "created_at", Limit: 100, Offset: len(found)})
		if err != nil {
			return nil, err
		}
		if found = append(found, page...); len(page) == 0 || len(found) >= count {
			break
		}
	}
	if len(found) > 50 {
		p.event(report.Note, "", "", fmt.Sprintf("asking what came of the %d runs of %s", len(found), j.Name))
	}
	runs := make([]report.Run, len(found))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(jobLimit)
	for n := range found {
		group.Go(func() error {
			outcome, err := run.Summarize(ctx, to.polyaxon, p.target(to, &found[n]), nil)
			if err != nil {
				return err
			}
			runs[n] = reportOutcome(outcome)
			return nil
		})
	}
	return runs, group.Wait()
}
