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

// EarlyStop is why runs of a matrix are stopped, or not submitted: what its earlyStopping waits for
// has happened.
type EarlyStop struct {
	Why string
	// Failed reports whether too many runs have failed, rather than that one was good enough.
	Failed bool
}

// Error returns the reason.
func (e *EarlyStop) Error() string { return "stopped early: " + e.Why }

// excuses reports whether an error does not count any more: that of a run that was stopped for it,
// and that of a run that failed where another was good enough.
func (e *EarlyStop) excuses(err error) bool {
	return errors.Is(err, e) || !e.Failed && errors.As(err, new(*exit.RunError))
}

// stoppedEarly returns the reason when ctx ended for one, nil otherwise.
func stoppedEarly(ctx context.Context) *EarlyStop {
	var e *EarlyStop
	if ctx.Err() != nil {
		errors.As(context.Cause(ctx), &e)
	}
	return e
}

// stopping watches the runs of a matrix, and stops the rest of them when one is good enough, or too
// many have failed.
type stopping struct {
	*search
	stop context.CancelCauseFunc

	mu     sync.Mutex
	failed int
	early  *EarlyStop
}

// saw takes the end of a run into account.
func (s *stopping) saw(e *Ended) {
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

func (s *search) watchesMetrics() bool {
	return slices.ContainsFunc(s.expansion.Stopping, func(e matrix.EarlyStopping) bool { return e.Metric != "" })
}

// reached returns the reason to stop when a run is good enough.
func (s *search) reached(e *Ended) *EarlyStop {
	for _, policy := range s.expansion.Stopping {
		if e.Status == polyaxon.Succeeded && policy.Reached(e.Metrics()) {
			return &EarlyStop{Why: fmt.Sprintf("%s in run %s", policy, e.UUID())}
		}
	}
	return nil
}

func (s *search) exceeded(failed int) *EarlyStop {
	for _, policy := range s.expansion.Stopping {
		if policy.Exceeded(failed, len(s.submissions)) {
			return &EarlyStop{Why: policy.String(), Failed: true}
		}
	}
	return nil
}

// reachedBefore returns the reason to stop when a run of an earlier deploy was good enough.
func (s *search) reachedBefore(found []Ended) *EarlyStop {
	for n := range found {
		if early := s.reached(&found[n]); early != nil {
			return early
		}
	}
	return nil
}
