// Package pipeline submits the jobs of slipway.yaml to Polyaxon and follows them to their
// ends. Jobs run in the order of `after`. The remaining runs of a matrix are stopped when
// one of them is good enough.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/artifact"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// jobLimit is how many jobs of a pipeline, or runs of a matrix, are submitted and followed
// at once.
const jobLimit = 16

// Options are the options for submitting and following jobs.
type Options struct {
	// Rerun submits a new run even if a run with the same inputs is active or has succeeded.
	Rerun bool
	// FailPending is how long a run may wait before it is stopped. Zero means no limit.
	FailPending time.Duration
	// Download is the directory to download the files of runs into. Empty means no download.
	Download string
	// Detach submits jobs without following them.
	Detach bool
}

// Check returns an *exit.UsageError if an option has an invalid value.
func (o Options) Check() error {
	if o.FailPending < 0 {
		return exit.Usagef("--fail-pending %s is not a valid duration: give one such as 10m", o.FailPending)
	}
	return nil
}

// Pipeline submits jobs and follows them to their ends. Its platform must be connected to
// Polyaxon.
type Pipeline struct {
	*platform.Platform
	Options
	// References maps the names of images to their references by digest.
	References map[string]string
	// Data maps the names of data sets to the digests of their content.
	Data map[string]string
	// Tracking is MLflow's tracking server. It is nil if slipway.yaml has none.
	Tracking Tracking
	// Artifacts has what runs leave. It is nil if nothing is copied.
	Artifacts *artifact.Store
	// AddMLflow, if not nil, adds MLflow's runs and metrics to runs of a job that have ended.
	AddMLflow runs.AddMLflow

	// several reports whether there are several jobs. If so, the files of each job get their own
	// directory.
	several bool
}

// Run submits and follows jobs. Each job must come after its upstream in jobs. A job starts
// as soon as its own upstream has succeeded. It is not submitted if its upstream did not
// succeed. All other jobs go on to their ends. Run returns the errors of all jobs joined. If
// ctx is cancelled, each run is stopped, or left running if its job's on-cancel says so.
func (p *Pipeline) Run(ctx context.Context, jobs []*config.Job) ([]JobResult, error) {
	p.several = len(jobs) > 1
	all, failures := make([]JobResult, len(jobs)), make([]error, len(jobs))
	slots := make(chan struct{}, jobLimit)
	done := make([]chan struct{}, len(jobs))
	index := map[string]int{}
	var group panics.WaitGroup
	for n, j := range jobs {
		index[j.Name], done[n] = n, make(chan struct{})
		var upstream []int
		for _, name := range j.After {
			upstream = append(upstream, index[name])
		}
		group.Go(func() {
			defer close(done[n])
			before := map[string]JobResult{}
			for _, u := range upstream {
				<-done[u]
				before[jobs[u].Name] = all[u]
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			failures[n] = panics.Catch("job "+j.Name, func() (err error) {
				all[n], err = p.Job(ctx, j, before)
				return err
			})
		})
	}
	group.Wait()
	return all, errors.Join(distinct(failures)...)
}

// distinct returns the errors without those that stand there already: one that several jobs
// have in common.
func distinct(errs []error) (all []error) {
	for _, err := range errs {
		if shared := new(TrackingError); !errors.As(err, &shared) || !slices.ContainsFunc(all, func(other error) bool { return errors.Is(other, shared) }) {
			all = append(all, err)
		}
	}
	return all
}

// Job submits and follows one job. before maps the names of its upstream jobs to their
// results. If one of them did not succeed, the job is not submitted.
func (p *Pipeline) Job(ctx context.Context, j *config.Job, before map[string]JobResult) (JobResult, error) {
	e := JobResult{Name: j.Name, After: j.After}
	var upstream []string
	uuids := map[string]string{}
	for _, name := range j.After {
		if before[name].Status != polyaxon.Succeeded {
			e.Action, e.Status = Skipped, polyaxon.UpstreamFailed
			e.Message = fmt.Sprintf("not submitted: %s did not succeed", name)
			p.Report(report.Event{Kind: report.Status, Step: "run", Subject: j.Name, Status: string(e.Status), Message: e.Message})
			return e, nil
		}
		if why := before[name].refuses(); why != "" {
			e.Action, e.Status = Skipped, polyaxon.UpstreamFailed
			e.Message = "not submitted: " + why
			p.Report(report.Event{Kind: report.Status, Step: "run", Subject: j.Name, Status: string(e.Status), Message: e.Message})
			return e, nil
		}
		upstream, uuids[name] = append(upstream, before[name].Identity()), before[name].UUID()
	}
	upstream = append(upstream, p.dataOf(j)...)
	if ctx.Err() != nil {
		e.Action = Skipped
		return e, &exit.InterruptedError{}
	}
	j, err := p.withOutputs(ctx, j, uuids)
	if err != nil {
		return e, interrupted(ctx, err)
	}
	if j.Matrix == config.MatrixExpand {
		e, err := p.runMatrix(ctx, j, upstream, e)
		return e, errors.Join(err, p.check(ctx, j, &e))
	}
	s, err := p.submission(ctx, j, upstream)
	if err != nil {
		return e, err
	}
	err = p.submitAndFollow(ctx, j, s, &e)
	err = errors.Join(err, p.download(ctx, j.Name, &e), p.check(ctx, j, &e))
	return e, err
}
