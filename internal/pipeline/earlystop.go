package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// earlyStop is the reason why runs of a matrix are stopped or not submitted: a condition of
// its earlyStopping has been met.
type earlyStop struct {
	Why string
	// Failed reports whether too many runs have failed, rather than one run being good enough.
	Failed bool
}

// Error returns the reason.
func (e *earlyStop) Error() string { return "stopped early: " + e.Why }

// excuses reports whether err no longer counts: the error of a run that was stopped early,
// or of a run that failed when another one was good enough.
func (e *earlyStop) excuses(err error) bool {
	return errors.Is(err, e) || !e.Failed && errors.As(err, new(*exit.RunError))
}

// stoppedEarly returns the *earlyStop that cancelled ctx, nil if there is none.
func stoppedEarly(ctx context.Context) *earlyStop {
	var e *earlyStop
	if ctx.Err() != nil {
		errors.As(context.Cause(ctx), &e)
	}
	return e
}

// earlyStopWatch watches the runs of a matrix. It stops the remaining runs when one is good
// enough or too many have failed.
type earlyStopWatch struct {
	*expandedMatrix
	stop context.CancelCauseFunc

	mu     sync.Mutex
	failed int
	early  *earlyStop
}

// record records the end of a run, and stops the remaining runs if a condition is met.
func (s *earlyStopWatch) record(e *JobResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Status == polyaxon.Failed {
		s.failed++
	}
	if s.early != nil {
		return
	}
	if s.early = s.reached(e); s.early == nil {
		s.early = s.exceeded(s.failed)
	}
	if s.early != nil {
		s.stop(s.early)
	}
}

// watchesMetrics reports whether a condition for early stopping depends on a metric.
func (s *expandedMatrix) watchesMetrics() bool {
	return slices.ContainsFunc(s.expansion.Stopping, func(e matrix.EarlyStopping) bool { return e.Metric != "" })
}

// reached returns the reason to stop if a run is good enough, nil otherwise.
func (s *expandedMatrix) reached(e *JobResult) *earlyStop {
	for _, policy := range s.expansion.Stopping {
		if e.Status == polyaxon.Succeeded && policy.Reached(e.Metrics()) {
			return &earlyStop{Why: fmt.Sprintf("%s in run %s", policy, e.UUID())}
		}
	}
	return nil
}

// exceeded returns the reason to stop if too many runs have failed, nil otherwise.
func (s *expandedMatrix) exceeded(failed int) *earlyStop {
	for _, policy := range s.expansion.Stopping {
		if policy.Exceeded(failed, len(s.submissions)) {
			return &earlyStop{Why: policy.String(), Failed: true}
		}
	}
	return nil
}

// reachedBefore returns the reason to stop if a run of an earlier deploy was good enough.
func (s *expandedMatrix) reachedBefore(found []JobResult) *earlyStop {
	for n := range found {
		if early := s.reached(&found[n]); early != nil {
			return early
		}
	}
	return nil
}
