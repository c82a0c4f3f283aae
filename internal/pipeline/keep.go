package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-ci/slipway/internal/artifact"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// check checks what a job requires of its run that succeeded, and copies what the run has left, also if its
// metrics do not meet what the job requires.
func (p *Pipeline) check(ctx context.Context, j *config.Job, e *JobResult) error {
	err := p.checkGate(ctx, j, e)
	if err != nil && !errors.As(err, new(*exit.GateError)) {
		return err
	}
	return errors.Join(err, p.keep(ctx, j, e))
}

// keep copies the artifacts of a job's run to the bucket, or those of the best run of its matrix. It copies
// nothing of a job that did not succeed, or that is not followed.
func (p *Pipeline) keep(ctx context.Context, j *config.Job, e *JobResult) error {
	if p.Artifacts == nil || !artifact.Wanted(j) || p.Detach || e.Status != polyaxon.Succeeded {
		return nil
	}
	target := run.Target{Namespace: p.RunNamespace, Project: p.Config.Project, UUID: e.Best().UUID, Kind: "job"}
	kept, err := p.Artifacts.Keep(ctx, j, target, gateOf(j, e), e.requirements, e.Best().Metrics, e.ended)
	e.kept, e.incomplete = kept, artifact.Missing(err)
	switch {
	case err == nil:
		return nil
	case !e.incomplete:
		err = fmt.Errorf("copy the artifacts of job %s: %w", j.Name, err)
	}
	return interrupted(ctx, err)
}

// PlanArtifacts adds to the plan of a job that is up to date whether its artifacts would be copied.
func (p *Pipeline) PlanArtifacts(ctx context.Context, j *config.Job, planned *Planned) (err error) {
	if p.Artifacts == nil || !artifact.Wanted(j) || planned.Action != UpToDate || planned.UUID() == "" {
		return nil
	}
	planned.kept, err = p.Artifacts.Kept(ctx, j, planned.UUID(), gateOf(j, &planned.JobResult), planned.ended)
	return err
}
