package pipeline

import (
	"context"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// planGate compares the metrics of a run that has succeeded with what its job requires, as a deploy would. A run that
// has not ended, or that a deploy would submit, has none yet.
func (p *Pipeline) planGate(ctx context.Context, j *config.Job, s run.Submission, plan *Planned) error {
	if len(j.Require) == 0 || !plan.upToDate() {
		return nil
	}
	ended, err := p.ended(ctx, j, plan.JobResult)
	if err != nil {
		return err
	}
	p.addServerRuns(ctx, j, s, &ended)
	return p.planVerdict(ctx, j, &ended, plan)
}

// planGateOfMatrix is planGate for a matrix that slipway expands, whose runs are found.
func (p *Pipeline) planGateOfMatrix(ctx context.Context, j *config.Job, s *expandedMatrix, found []JobResult, early *earlyStop, plan *Planned) error {
	if len(j.Require) == 0 || !plan.upToDate() {
		return nil
	}
	all := make([]JobResult, len(found))
	group, asking := panics.WithContext(ctx)
	group.SetLimit(jobLimit)
	for n := range found {
		all[n] = found[n]
		if found[n].Status != polyaxon.Succeeded {
			continue
		}
		group.Go(func() (err error) {
			all[n], err = p.ended(asking, j, found[n])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	ended := s.combine(JobResult{Name: j.Name}, all, early)
	if ended.Status != polyaxon.Succeeded {
		return nil
	}
	return p.planVerdict(ctx, j, &ended, plan)
}

// ended adds the metrics of a run that has ended to its result.
func (p *Pipeline) ended(ctx context.Context, j *config.Job, e JobResult) (JobResult, error) {
	outcome, err := run.Summarize(ctx, p.Polyaxon, p.RunTarget(&polyaxon.Run{UUID: e.UUID(), Kind: e.described.Kind}), nil)
	if err != nil {
		return e, err
	}
	e.setOutcome(outcome)
	p.AddMLflow.To(ctx, j.Name, &e.described)
	return e, nil
}

// planVerdict adds to a plan whether a run that has ended meets what its job requires.
func (p *Pipeline) planVerdict(ctx context.Context, j *config.Job, ended *JobResult, plan *Planned) (err error) {
	plan.refused, err = p.judge(ctx, j, ended)
	plan.requirements, plan.gateFailed = ended.requirements, ended.gateFailed
	return err
}
