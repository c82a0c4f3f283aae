package pipeline

import (
	"context"
	"errors"
	"strconv"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// runMatrix submits and follows the runs of a matrix instead of the server: in order, and
// with at most as many active runs as the matrix's concurrency. The job succeeds if all runs
// succeed, or if one run is good enough to stop the others early.
func (p *Pipeline) runMatrix(ctx context.Context, j *config.Job, upstream []string, e JobResult) (JobResult, error) {
	operation, err := job.Operation(ctx, p.Project, j, p.References[j.Image])
	if err != nil {
		return e, err
	}
	s, err := p.expandMatrix(ctx, j, operation, upstream)
	if err != nil {
		return e, err
	}
	if !p.Rerun && s.watchesMetrics() {
		found, err := p.existingRuns(ctx, s)
		if err != nil {
			return e, interrupted(ctx, err)
		}
		if early := s.reachedBefore(found); early != nil {
			p.Event(report.Done, "submit", j.Name, "up to date: "+early.Why)
			var errs []error
			for n := range found {
				errs = append(errs, p.download(ctx, j.Name+"/"+strconv.Itoa(n+1), &found[n]))
			}
			return s.combine(e, found, early), errors.Join(errs...)
		}
	}
	all, early, err := p.runAll(ctx, j, s)
	return s.combine(e, all, early), err
}

// runAll submits the runs of a matrix and follows them to their ends, until they are stopped
// early.
func (p *Pipeline) runAll(ctx context.Context, j *config.Job, s *expandedMatrix) ([]JobResult, *earlyStop, error) {
	wanted, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	all, errs := make([]JobResult, len(s.submissions)), make([]error, len(s.submissions))
	downloads := make([]error, len(s.submissions))
	slots := make(chan struct{}, s.concurrency())
	watch := &earlyStopWatch{expandedMatrix: s, stop: stop}
	var group panics.WaitGroup
	for n, submission := range s.submissions {
		one := *j
		one.Name = j.Name + "/" + strconv.Itoa(n+1)
		all[n] = JobResult{Name: one.Name, Action: Skipped}
		slots <- struct{}{}
		if ctx.Err() != nil {
			errs[n] = &exit.InterruptedError{}
		}
		if wanted.Err() != nil {
			<-slots
			continue
		}
		group.Go(func() {
			defer func() { <-slots }()
			p.Event(report.Detail, "submit", one.Name, s.params(n))
			errs[n] = p.submitAndFollow(wanted, &one, submission, &all[n])
			watch.record(&all[n])
			downloads[n] = p.download(ctx, one.Name, &all[n])
		})
	}
	group.Wait()
	early := watch.early
	if early == nil {
		return all, nil, errors.Join(distinct(append(errs, downloads...))...)
	}
	p.Event(report.Note, "run", j.Name, early.Error())
	for n, err := range errs {
		if early.excuses(err) {
			errs[n] = nil
		}
		if errors.Is(err, early) && all[n].UUID() != "" {
			all[n].Status = p.statusNow(ctx, all[n].UUID())
		}
	}
	return all, early, errors.Join(append(errs, downloads...)...)
}

// statusNow returns the status of a run that was just stopped. The run may have ended before
// that.
func (p *Pipeline) statusNow(ctx context.Context, uuid string) polyaxon.Status {
	if r, err := p.Polyaxon.Run(ctx, p.Config.Project, uuid); err == nil && r.Status.Terminal() {
		return r.Status
	}
	return polyaxon.Stopped
}
