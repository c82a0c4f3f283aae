package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// jobLimit is how many jobs of a pipeline are submitted and followed at once.
const jobLimit = 16

// pipeline submits and follows jobs, which are in an order in which each comes
// after its upstream. Each begins as soon as all of its own upstream has
// succeeded. One whose upstream did not is not submitted; all others go to their
// end.
func (p *project) pipeline(ctx context.Context, to *platform, jobs []*config.Job, pushed map[string]*image.Pushed, o jobOptions) ([]report.Job, error) {
	reported, failures := make([]report.Job, len(jobs)), make([]error, len(jobs))
	slots := make(chan struct{}, jobLimit)
	ended := make([]chan struct{}, len(jobs))
	index := map[string]int{}
	var group panics.WaitGroup
	for n, j := range jobs {
		index[j.Name], ended[n] = n, make(chan struct{})
		var upstream []int
		for _, name := range j.After {
			upstream = append(upstream, index[name])
		}
		group.Go(func() {
			defer close(ended[n])
			before := map[string]report.Job{}
			for _, u := range upstream {
				<-ended[u]
				before[jobs[u].Name] = reported[u]
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			failures[n] = panics.Catch("job "+j.Name, func() (err error) {
				reported[n], err = p.job(ctx, to, j, pushed, before, o)
				return err
			})
		})
	}
	group.Wait()
	return reported, errors.Join(failures...)
}

// job submits and follows one job, when its upstream, by name, has succeeded.
func (p *project) job(ctx context.Context, to *platform, j *config.Job, pushed map[string]*image.Pushed, before map[string]report.Job, o jobOptions) (report.Job, error) {
	reported := report.Job{Name: j.Name, After: strings.Join(j.After, ", ")}
	var upstream []string
	runs := map[string]string{}
	for _, name := range j.After {
		if before[name].Status != "succeeded" {
			reported.Action, reported.Status = "skip", "upstream_failed"
			reported.Message = fmt.Sprintf("not submitted: %s did not succeed", name)
			p.event(report.Status, "run", j.Name, reported.Message)
			return reported, nil
		}
		upstream, runs[name] = append(upstream, identity(before[name])), before[name].UUID
	}
	if ctx.Err() != nil {
		reported.Action = "skip"
		return reported, &InterruptedError{}
	}
	reference := ""
	if image := pushed[j.Image]; image != nil {
		reference = image.Reference.String()
	}
	j, err := p.resolved(ctx, to, j, runs)
	if err != nil {
		return reported, interruptedOr(ctx, err)
	}
	if j.Matrix == "expand" {
		return p.expanded(ctx, to, j, reference, upstream, o, reported)
	}
	s, err := p.submission(ctx, j, reference, upstream, o)
	if err != nil {
		return reported, err
	}
	reported, err = p.submitAndFollow(ctx, to, j, s, o, reported)
	return reported, errors.Join(err, p.bring(ctx, to, j.Name, o, &reported.Run))
}

// submitAndFollow takes one submission to its end, unless o says to detach.
func (p *project) submitAndFollow(ctx context.Context, to *platform, j *config.Job, s run.Submission, o jobOptions, reported report.Job) (report.Job, error) {
	submitted, err := p.submit(ctx, to, j, s)
	if submitted == nil {
		return reported, interruptedOr(ctx, err)
	}
	reported.Action = map[run.How]string{run.Created: "submitted", run.Attached: "attached", run.UpToDate: "up-to-date"}[submitted.How]
	reported.Run = reportRun(&submitted.Run)
	switch {
	case ctx.Err() != nil:
		// It was made while the signal came.
		err := p.interrupt(ctx, to, j, p.target(to, &submitted.Run), &reported.Run, stopLimit-run.FinishLimit)
		return reported, err
	case o.Detach:
		return reported, nil
	case submitted.How == run.UpToDate:
		outcome, err := run.Summarize(ctx, to.polyaxon, p.target(to, &submitted.Run), to.pods())
		if err != nil {
			return reported, interruptedOr(ctx, err)
		}
		reported.Run = reportOutcome(outcome)
		reported.OutputsAt = p.outputsAt(to, outcome)
		return p.tabled(ctx, to, j, s, reported), nil
	}
	reported.Run, err = p.followAny(ctx, to, j, s, submitted, o)
	return p.tabled(ctx, to, j, s, reported), err
}
