// Package exit defines the errors that say how a command ended, and their exit codes.
package exit

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
)

// The exit codes of slipway.
const (
	OK          = 0   // everything asked for is done; the run succeeded, now or earlier
	Failed      = 1   // the run failed or left no artifact, or its upstream failed, or a manifest is not rolled out
	Usage       = 2   // usage or configuration: a flag, slipway.yaml, a Polyaxonfile
	Step        = 3   // a step before the run failed: build, push, secrets, access
	Lost        = 4   // contact was lost: how the run ended is unknown; its address is printed
	Timeout     = 5   // the time limit passed
	Stopped     = 6   // the run was stopped or skipped by someone else
	Pending     = 7   // the run cannot be scheduled (with --fail-pending)
	Gate        = 8   // the metrics of a run do not meet what its job requires
	Changes     = 10  // plan --exit-code: there are changes
	Interrupted = 130 // interrupted; the remote run was stopped (or left, by on-cancel)
)

// Codes is the table of exit codes, as `slipway help exit-codes` prints it.
const Codes = `0    everything asked for is done; the run succeeded, now or earlier
1    the run failed or left no artifact, or its upstream failed, or a manifest is not rolled out
2    usage or configuration: a flag, slipway.yaml, a Polyaxonfile
3    a step before the run failed: build, push, secrets, access
4    contact was lost: how the run ended is unknown; its address is printed
5    the time limit passed
6    the run was stopped or skipped by someone else
7    the run cannot be scheduled (with --fail-pending, or because the sandbox's machine lacks what it asks for)
8    the metrics of a run do not meet what its job requires
10   plan --exit-code: there are changes
130  interrupted; the remote run was stopped (or left, by on-cancel)
`

// Code returns the exit code for the error of a task. A panic is always Step. Of several
// joined errors, the first one in this order counts: interrupted, usage, lost, time limit,
// pending, failed, gate, stopped, step.
func Code(err error) int {
	var (
		interrupted *InterruptedError
		located     *source.Error
		usage       *UsageError
		problems    *ProblemsError
		lost        *run.LostError
		limit       *TimeLimitError
		pending     *PendingError
		never       *UnschedulableError
		ended       *RunError
		rollout     *RolloutError
		artifact    *ArtifactError
		gate        *GateError
		changes     *ChangesError
		broken      *panics.Error
	)
	switch {
	case err == nil:
		return OK
	case errors.As(err, &broken):
		return Step
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &located), errors.As(err, &usage), errors.As(err, &problems):
		return Usage
	case errors.As(err, &lost):
		return Lost
	case errors.As(err, &limit):
		return Timeout
	case errors.As(err, &pending), errors.As(err, &never):
		return Pending
	case errors.As(err, &rollout), errors.As(err, &artifact), errors.As(err, &ended) && anyFailed(err):
		return Failed
	case errors.As(err, &gate):
		return Gate
	case errors.As(err, &ended):
		return Stopped
	case errors.As(err, &changes):
		return Changes
	}
	return Step
}

// anyFailed reports whether a run in err failed, rather than being stopped or skipped.
func anyFailed(err error) bool {
	if ended, ok := err.(*RunError); ok { //nolint:errorlint // walks the tree itself
		return ended.Status != string(polyaxon.Stopped) && ended.Status != string(polyaxon.Skipped)
	}
	switch wrapped := err.(type) { //nolint:errorlint // walks the tree itself
	case interface{ Unwrap() []error }:
		for _, e := range wrapped.Unwrap() {
			if anyFailed(e) {
				return true
			}
		}
	case interface{ Unwrap() error }:
		return anyFailed(wrapped.Unwrap())
	}
	return false
}
