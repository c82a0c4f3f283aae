package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// DeployOptions say what is deployed, and how its runs are submitted and followed.
type DeployOptions struct {
	// Jobs are the names of those to run, with what they come after; all when there are
	// none.
	Jobs []string
	// Rerun submits again what succeeded, or runs, for the same inputs.
	Rerun bool
	// FailPending, when it is not zero, is how long a run may wait before it is stopped
	// and the command ends with ExitPending.
	FailPending time.Duration
	// Params of the command line, each NAME=VALUE, for the jobs that Jobs names.
	Params []string
	// Expand has slipway make the runs of matrices itself, as matrix: expand does.
	Expand bool
	// Download, when it is not empty, is a directory into which the files of each run
	// are downloaded once it has ended, however it did: each into one of its own below
	// it when there are several.
	Download string
}

// Deploy takes the jobs of o.Jobs, and what they come after, from
// the source tree to finished runs: it checks their Polyaxonfiles, builds and
// pushes their images, syncs the secrets, submits the jobs in the order of
// `after`, follows them, and reports how each ended.
//
// Nothing is changed anywhere before everything that can be checked has been.
// Cancelling ctx stops the runs, or leaves them, by each job's on-cancel.
func Deploy(ctx context.Context, env *Env, o DeployOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("deploy")
	how := jobOptions{Rerun: o.Rerun, FailPending: o.FailPending, Download: o.Download}
	if err := how.check(); err != nil {
		return result, err
	}
	d, err := p.prepare(ctx, o.Jobs, o.Params, o.Expand)
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
	jobs := slices.Concat(d.waves...)
	if len(jobs) == 0 {
		return result, nil
	}
	if err := d.to.polyaxon.EnsureProject(ctx, p.config.Project); err != nil {
		return result, interruptedOr(ctx, fmt.Errorf("create project %s: %w", p.config.Project, err))
	}
	how.several = len(jobs) > 1
	result.Jobs, err = p.pipeline(ctx, d.to, jobs, pushed, how)
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
func (p *project) prepare(ctx context.Context, names, params []string, expand bool) (*deployment, error) {
	d, err := p.read(ctx, names, params, expand)
	if err != nil {
		return nil, err
	}
	return d, p.connectAll(ctx, d)
}

// read reads and checks all that deploy needs, and asks nobody but the server for its
// version. All that is missing is told at once.
func (p *project) read(ctx context.Context, names, params []string, expand bool) (*deployment, error) {
	d := &deployment{}
	var err error
	if len(names) == 0 && len(p.config.Jobs) == 0 && len(p.config.Images)+len(p.config.Secrets) > 0 {
		p.event(report.Note, "", "", "slipway.yaml has no jobs: only its images and secrets are deployed")
		d.images, err = p.imagesNamed(nil)
	} else if d.waves, err = p.config.JobOrder(names...); err == nil {
		d.images = p.imagesOf(slices.Concat(d.waves...))
	}
	if err != nil {
		return nil, err
	}
	return d, p.check(ctx, d, params, names, expand)
}

// check reads and checks what a deployment consists of.
func (p *project) check(ctx context.Context, d *deployment, params, names []string, expand bool) error {
	jobs := slices.Concat(d.waves...)
	if err := p.override(ctx, params, names); err != nil {
		return interruptedOr(ctx, err)
	}
	if expand {
		if err := p.expandMatrices(ctx, jobs); err != nil {
			return interruptedOr(ctx, err)
		}
	}
	errs := []error{p.config.Unbuilt(jobs, p.secretList())}
	if errs[0] == nil && !p.offline {
		var err error
		d.bundles, err = p.bundlesFor(ctx, jobs)
		errs = append(errs, err, p.checkToken(ctx, len(jobs) > 0))
	}
	errs = append(errs, p.checkImages(ctx, d.images), p.checkJobs(ctx, jobs))
	return interruptedOr(ctx, errors.Join(errs...))
}

// connectAll connects a deployment to what it uses.
func (p *project) connectAll(ctx context.Context, d *deployment) (err error) {
	jobs := slices.Concat(d.waves...)
	if d.to, err = p.connect(ctx, d.uses()); err != nil {
		return interruptedOr(ctx, err)
	}
	return interruptedOr(ctx, p.checkRuns(ctx, d.to, jobs))
}

// uses tells which parts of the platform a deployment reaches for.
func (d *deployment) uses() uses {
	return uses{images: len(d.images) > 0, secrets: len(d.bundles) > 0, runs: len(d.waves) > 0}
}

// interruptedOr gives an *InterruptedError when ctx was cancelled before there was a
// run, err otherwise, or when it is one that knows better.
func interruptedOr(ctx context.Context, err error) error {
	if interrupted := new(InterruptedError); errors.As(err, &interrupted) {
		return err
	}
	if enough := stoppedEarly(ctx); enough != nil {
		if unconfirmed := new(run.UnconfirmedError); errors.As(err, &unconfirmed) {
			return err
		}
		return enough
	}
	if ctx.Err() != nil {
		if unconfirmed := new(run.UnconfirmedError); errors.As(err, &unconfirmed) {
			return &InterruptedError{Outcome: unconfirmed.Error()}
		}
		return &InterruptedError{Outcome: "nothing was left running"}
	}
	return err
}
