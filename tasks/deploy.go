package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/report"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/secret"
)

// jobLimit is how many jobs of a pipeline are followed at once.
const jobLimit = 16

// Deploy takes the jobs named (all when none), and what they come after, from
// the source tree to finished runs: it checks their Polyaxonfiles, builds and
// pushes their images, syncs the secrets, submits the jobs in the order of
// `after`, follows them, and reports how each ended.
//
// Nothing is changed anywhere before everything that can be checked has been.
// Cancelling ctx stops the runs, or leaves them, by each job's on-cancel.
func Deploy(ctx context.Context, env *Env, names []string, o JobOptions) (*report.Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("deploy")
	d, err := p.prepare(ctx, names)
	if err != nil {
		return result, err
	}

	pushed, err := p.push(ctx, d.to, d.images)
	for _, name := range sorted(pushed) {
		result.Images = append(result.Images, reportImage(pushed[name]))
	}
	if err != nil {
		return result, interruptedOr(ctx, err)
	}
	changes, err := p.syncSecrets(ctx, d.to, d.bundles, false)
	result.Secrets = reportSecrets(changes)
	if err != nil {
		return result, interruptedOr(ctx, err)
	}
	if err := d.to.polyaxon.EnsureProject(ctx, p.config.Project); err != nil {
		return result, interruptedOr(ctx, fmt.Errorf("create project %s: %w", p.config.Project, err))
	}
	result.Jobs, err = p.pipeline(ctx, d.to, d.waves, pushed, o)
	return result, err
}

// deployment is all that a deploy needs, read and checked before it begins.
type deployment struct {
	waves   [][]*config.Job
	images  []*config.Image
	to      *platform
	bundles []secret.Bundle
}

// prepare reads and checks all that deploy needs: it starts the sandbox where
// it is used, and changes nothing else.
func (p *project) prepare(ctx context.Context, names []string) (*deployment, error) {
	d := &deployment{}
	var err error
	if d.waves, err = p.config.JobOrder(names...); err != nil {
		return nil, err
	}
	jobs := slices.Concat(d.waves...)
	d.images = p.imagesOf(jobs)
	if err := p.config.Unbuilt(jobs, p.secretList()); err != nil {
		return nil, err
	}
	if d.bundles, err = p.bundles(ctx); err != nil {
		return nil, err
	}
	if err := p.checkJobs(jobs, ""); err != nil {
		return nil, err
	}
	if d.to, err = p.connect(ctx); err != nil {
		return nil, interruptedOr(ctx, err)
	}
	return d, nil
}

// pipeline submits and follows waves of jobs. A job whose upstream did not
// succeed is not submitted; all others go to their end.
func (p *project) pipeline(ctx context.Context, to *platform, waves [][]*config.Job, pushed map[string]*image.Pushed, o JobOptions) ([]report.Job, error) {
	done := map[string]report.Job{}
	var errs []error
	for _, wave := range waves {
		jobs, failures := make([]report.Job, len(wave)), make([]error, len(wave))
		group := errgroup.Group{}
		group.SetLimit(jobLimit)
		for n, j := range wave {
			group.Go(func() error {
				jobs[n], failures[n] = p.job(ctx, to, j, pushed, done, o)
				return nil
			})
		}
		_ = group.Wait()
		for n, j := range wave {
			done[j.Name] = jobs[n]
			errs = append(errs, failures[n])
		}
	}
	var reported []report.Job
	for _, j := range slices.Concat(waves...) {
		reported = append(reported, done[j.Name])
	}
	return reported, errors.Join(errs...)
}

// job submits and follows one job.
func (p *project) job(ctx context.Context, to *platform, j *config.Job, pushed map[string]*image.Pushed, done map[string]report.Job, o JobOptions) (report.Job, error) {
	reported := report.Job{Name: j.Name, After: strings.Join(j.After, ", ")}
	var upstream []string
	for _, name := range j.After {
		if before := done[name]; before.Status != "succeeded" {
			reported.Action, reported.Status = "skip", "upstream_failed"
			reported.Message = fmt.Sprintf("not submitted: %s did not succeed", name)
			p.event(report.Status, "run", j.Name, reported.Message)
			return reported, nil
		}
		upstream = append(upstream, done[name].UUID)
	}
	if err := ctx.Err(); err != nil {
		reported.Action = "skip"
		return reported, &InterruptedError{}
	}
	reference := ""
	if image := pushed[j.Image]; image != nil {
		reference = image.Reference.String()
	}
	submitted, err := p.submit(ctx, to, j, reference, upstream, o)
	if err != nil {
		return reported, interruptedOr(ctx, err)
	}
	reported.Action = map[run.How]string{run.Created: "submitted", run.Attached: "attached", run.UpToDate: "up-to-date"}[submitted.How]
	reported.Run = reportRun(&submitted.Run)
	switch {
	case o.Detach:
		return reported, nil
	case submitted.How == run.UpToDate:
		outcome, err := run.Summarize(ctx, to.polyaxon, p.target(to, &submitted.Run))
		if err != nil {
			return reported, interruptedOr(ctx, err)
		}
		reported.Run = reportOutcome(outcome)
		reported.OutputsAt = p.outputsAt(to, outcome)
		return reported, nil
	}
	reported.Run, err = p.follow(ctx, to, j, submitted, o)
	return reported, err
}

// interruptedOr gives an *InterruptedError when ctx was cancelled, err otherwise.
func interruptedOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &InterruptedError{Outcome: "nothing was left running"}
	}
	return err
}
