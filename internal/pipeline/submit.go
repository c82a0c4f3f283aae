package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// submission returns the submission of a job. upstream are the identities of the runs that
// it comes after.
func (p *Pipeline) submission(ctx context.Context, j *config.Job, upstream []string) (run.Submission, error) {
	operation, err := job.Operation(ctx, p.Project, j, p.References[j.Image])
	if err != nil {
		return run.Submission{}, err
	}
	return p.Submission(j, operation, upstream), nil
}

// Submission returns the submission of a job with a given operation. upstream are the
// identities of the runs that it comes after.
func (p *Pipeline) Submission(j *config.Job, operation *operation.Operation, upstream []string) run.Submission {
	from, keys := p.Origin(), job.Keys(p.Project, j, operation, p.References[j.Image], upstream)
	from.Meta[project.MetaJob] = j.Name
	if len(j.Require) > 0 {
		from.Meta[project.MetaGate] = project.GatePending
	}
	return run.Submission{
		Project: p.Config.Project, Name: j.Name, Content: string(job.WithOrigin(p.Project, j, operation, p.References[j.Image]).JSON()),
		Key: keys[0], FormerKeys: keys[1:], Tags: from.Tags, MetaInfo: from.Meta, Rerun: p.Rerun, Service: j.Service, Sleep: p.Sleep,
	}
}

// dataOf returns what stands in a job's deploy key for the data that it needs. A service goes on with other
// data.
func (p *Pipeline) dataOf(j *config.Job) (all []string) {
	if j.Service {
		return nil
	}
	for _, set := range p.Config.DataOf(j) {
		if digest := p.Data[set.Name]; digest != "" {
			all = append(all, "data "+set.Name+" "+digest)
		}
	}
	return all
}

// submit submits a job's operation to Polyaxon, or finds an earlier run with the same
// inputs. If ctx is cancelled meanwhile, it returns the run, if one was created, together
// with an error.
func (p *Pipeline) submit(ctx context.Context, j *config.Job, s run.Submission) (*run.Submitted, error) {
	s, err := p.addressTracking(ctx, s)
	if err != nil {
		return nil, err
	}
	submitted, err := run.Submit(ctx, p.Polyaxon, s)
	if err != nil {
		if ctx.Err() == nil {
			p.Event(report.Failed, "submit", j.Name, "not submitted")
		}
		return submitted, job.LocateRejection(ctx, p.Project, j, fmt.Errorf("submit %s: %w", jobLabel(j), err))
	}
	follows := "; following it"
	if p.Detach {
		follows = ""
	}
	message := map[run.How]string{
		run.Created:  "run " + submitted.Run.UUID,
		run.Attached: "run " + submitted.Run.UUID + " is already active for these inputs" + follows,
		run.UpToDate: "up to date: run " + submitted.Run.UUID + " succeeded for these inputs (--rerun runs it again)",
	}[submitted.How]
	p.Report(report.Event{Kind: report.Done, Step: "submit", Subject: j.Name, Run: submitted.Run.UUID, Status: string(submitted.Run.Status), Message: message})
	return submitted, nil
}

// submitAndFollow submits a job and follows its run to its end, unless the options say to
// detach.
func (p *Pipeline) submitAndFollow(ctx context.Context, j *config.Job, s run.Submission, e *JobResult) error {
	submitted, err := p.submit(ctx, j, s)
	if submitted == nil {
		if errors.As(err, new(*TrackingError)) {
			e.Action, e.Message = Skipped, "not submitted: MLflow's service does not answer"
		}
		return interrupted(ctx, err)
	}
	e.Action = actionOf(submitted.How)
	e.setRun(&submitted.Run)
	switch {
	case ctx.Err() != nil:
		// The run was created while the signal arrived.
		return p.interrupt(ctx, j, p.RunTarget(&submitted.Run), e, stopLimit-run.FinishLimit)
	case p.Detach:
		return nil
	case submitted.How == run.UpToDate:
		outcome, err := run.Summarize(ctx, p.Polyaxon, p.RunTarget(&submitted.Run), p.Pods())
		if err != nil {
			return interrupted(ctx, err)
		}
		e.setOutcome(outcome)
		p.warnOfMetrics(j.Name, outcome)
		p.AddMLflow.To(ctx, j.Name, &e.described)
		e.described.OutputsAt = p.OutputsAt(outcome)
	default:
		err = p.followOldest(ctx, j, s, submitted, e)
	}
	p.addServerRuns(ctx, j, s, e)
	return err
}

// jobLabel returns the kind and the name of a job, such as "job train" or "service api".
func jobLabel(j *config.Job) string {
	if j.Service {
		return "service " + j.Name
	}
	return "job " + j.Name
}
