package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// enoughError is why runs of a matrix are stopped, or not submitted: what its
// earlyStopping waits for has come.
type enoughError struct {
	Why string
	// Failed tells that too many runs have failed, rather than that one was good
	// enough.
	Failed bool
}

// Error gives the reason.
func (e *enoughError) Error() string { return "stopped early: " + e.Why }

// excuses tells whether an error does not count any more: that of a run that was
// stopped for it, and that of one that failed where another was good enough.
func (e *enoughError) excuses(err error) bool {
	var ended *RunError
	return errors.Is(err, e) || !e.Failed && errors.As(err, &ended)
}

// stoppedEarly gives the reason when ctx ended for one, nil otherwise.
func stoppedEarly(ctx context.Context) *enoughError {
	var e *enoughError
	if ctx.Err() != nil {
		errors.As(context.Cause(ctx), &e)
	}
	return e
}

// earlyVerdict watches the runs of a matrix, and stops the rest of them when one is
// good enough, or too many have failed.
type earlyVerdict struct {
	*search
	stop context.CancelCauseFunc

	mu     sync.Mutex
	failed int
	enough *enoughError
}

// saw takes the end of a run into account.
func (v *earlyVerdict) saw(r report.Job) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r.Status == string(polyaxon.Failed) {
		v.failed++
	}
	if v.enough != nil {
		return
	}
	if v.enough = v.reached(r); v.enough == nil {
		v.enough = v.exceeded(v.failed)
	}
	if v.enough != nil {
		v.stop(v.enough)
	}
}

func (s *search) watchesMetrics() bool {
	return slices.ContainsFunc(s.expansion.Stopping, func(e matrix.EarlyStopping) bool { return e.Metric != "" })
}

// reached tells whether a run that succeeded is good enough.
func (s *search) reached(r report.Job) *enoughError {
	for _, e := range s.expansion.Stopping {
		if r.Status == string(polyaxon.Succeeded) && e.Reached(r.Metrics) {
			return &enoughError{Why: fmt.Sprintf("%s in run %s", e, r.UUID)}
		}
	}
	return nil
}

func (s *search) exceeded(failed int) *enoughError {
	for _, e := range s.expansion.Stopping {
		if e.Exceeded(failed, len(s.submissions)) {
			return &enoughError{Why: e.String(), Failed: true}
		}
	}
	return nil
}

// reachedBefore tells whether a run of an earlier deploy was good enough.
func (s *search) reachedBefore(found []report.Job) *enoughError {
	for _, r := range found {
		if enough := s.reached(r); enough != nil {
			return enough
		}
	}
	return nil
}

// found gives the runs that count for the submissions of a matrix, in their order:
// without a UUID where there is none.
func (p *project) found(ctx context.Context, to *platform, s *search) ([]report.Job, error) {
	found := make([]report.Job, len(s.submissions))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(jobLimit)
	for n, submission := range s.submissions {
		group.Go(func() error {
			found[n].Action = "skip"
			r, err := run.Find(ctx, to.polyaxon, submission)
			if polyaxon.IsNotFound(err) || err == nil && r == nil {
				return nil
			}
			if err != nil {
				return err
			}
			found[n] = report.Job{Action: "up-to-date", Run: reportRun(r)}
			if r.Status == polyaxon.Succeeded && s.watchesMetrics() {
				outcome, err := run.Summarize(ctx, to.polyaxon, p.target(to, r), to.pods())
				if err != nil {
					return err
				}
				found[n].Run = reportOutcome(outcome)
			}
			return nil
		})
	}
	return found, group.Wait()
}
