package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	runsof "github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/report"
)

// maxCompared is how many jobs are compared at the same time.
const maxCompared = 4

// runs is the step that submits the jobs and follows their runs.
type runs struct{ *Deployment }

// Apply implements Step.
func (s runs) Apply(ctx context.Context, result *report.Result) (err error) {
	if len(s.Jobs) == 0 {
		return nil
	}
	if err := s.Polyaxon.EnsureProject(ctx, s.Config.Project); err != nil {
		return ifInterrupted(ctx, fmt.Errorf("create project %s: %w", s.Config.Project, err))
	}
	p := s.pipeline()
	if s.WithoutUpstream {
		err = s.applyWithoutUpstream(ctx, p)
	} else {
		s.Results, err = p.Run(ctx, s.Jobs)
	}
	result.Jobs = append(result.Jobs, pipeline.Reports(s.Results)...)
	s.tracking.addTo(result)
	s.compare(ctx, result.Jobs)
	return err
}

// compare adds the runs of the base to jobs with metrics, in a workflow for a pull request. What
// cannot be compared does not change how the command ends.
func (s runs) compare(ctx context.Context, jobs []report.Job) {
	base := s.PullRequest().Base
	if base.Branch == "" {
		return
	}
	group, asking := panics.WithContext(ctx)
	group.SetLimit(maxCompared)
	for n := range jobs {
		j := &jobs[n]
		if len(j.Metrics) == 0 {
			continue
		}
		group.Go(func() error {
			found, err := runsof.OnBranch(asking, s.Platform, j.Name, base, j.UUID, s.trackingServer().Add)
			switch {
			case errors.As(err, new(*runsof.ShallowError)):
				s.Event(report.Note, "run", j.Name, "not compared: "+err.Error())
			case err != nil && ctx.Err() == nil:
				s.Event(report.Warning, "run", j.Name, fmt.Sprintf("not compared with %s: %v", base.Branch, err))
			}
			j.Base = found
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		s.Event(report.Warning, "run", "", "not compared with "+base.Branch+": "+err.Error())
	}
}

// trackingServer returns MLflow's tracking server, or nil if slipway.yaml has none. All steps ask the same one, so
// that what is wrong with it is told once.
func (d *Deployment) trackingServer() *service.MLflow {
	d.mlflowOnce.Do(func() { d.mlflow = service.NewMLflow(d.Platform) })
	return d.mlflow
}

// pipeline returns the pipeline that submits and follows the jobs.
func (d *Deployment) pipeline() *pipeline.Pipeline {
	p := &pipeline.Pipeline{Platform: d.Platform, Options: d.Runs, References: d.references, Artifacts: d.artifacts, Data: d.dataDigests()}
	p.AddMLflow = d.trackingServer().Add
	if d.tracking != nil {
		p.Tracking = d.tracking
	}
	return p
}

// applyWithoutUpstream submits one job without its upstream. The last succeeded runs of the
// upstream jobs are used instead.
func (s runs) applyWithoutUpstream(ctx context.Context, p *pipeline.Pipeline) error {
	j, before := s.Jobs[0], map[string]pipeline.JobResult{}
	for _, name := range j.After {
		last, err := runsof.Last(ctx, s.Platform, name, polyaxon.Succeeded)
		if err != nil {
			return err
		}
		if last == nil {
			return errors.New("job " + j.Name + " comes after " + name + ", which has not succeeded yet; deploy runs both")
		}
		before[name] = pipeline.ResultOf(name, last)
	}
	ended, err := p.Job(ctx, j, before)
	s.Results = []pipeline.JobResult{ended}
	return err
}

// Plan implements Step. It reports for each job whether it would be submitted, and how its
// operation differs from the operation of its last run.
func (s runs) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	planned, err := s.plan(ctx)
	s.plannedRuns = planned
	for _, one := range planned {
		result.Jobs = append(result.Jobs, one.Report())
		if one.Changes() || one.Copies() {
			changes++
		}
	}
	for n, one := range planned {
		if err == nil && one.Changes() {
			starts := 0
			starts, err = s.tracking.plan(ctx, s.Jobs[n], result, s.asksPolyaxon)
			changes += starts
		}
	}
	return changes, err
}

// plan plans the jobs in order. It returns those that it could plan, even if one fails.
func (s runs) plan(ctx context.Context) (all []pipeline.Planned, err error) {
	asks := s.asksPolyaxon
	p := s.pipeline()
	before := map[string]pipeline.Planned{}
	for _, j := range s.Jobs {
		planned := pipeline.Planned{JobResult: pipeline.JobResult{Name: j.Name, After: j.After}}
		if asks && (j.Image == "" || s.references[j.Image] != job.PlaceholderImage || s.unbuilt[j.Image] || build.DigestUnknown(s.Config.Images[j.Image])) {
			planned, err = p.Plan(ctx, j, before)
			if ctx.Err() == nil && isUnreachable(err) {
				asks = s.noteUnreachable("Polyaxon", err)
				planned = pipeline.Planned{JobResult: pipeline.JobResult{Name: j.Name, After: j.After}}
			} else if err != nil {
				return all, fmt.Errorf("plan job %s: %w", j.Name, err)
			}
		}
		if err := p.PlanArtifacts(ctx, j, &planned); err != nil {
			return all, fmt.Errorf("plan the artifacts of job %s: %w", j.Name, err)
		}
		before[j.Name] = planned
		all = append(all, planned)
	}
	return all, ctx.Err()
}
