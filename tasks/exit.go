package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
)

// The exit codes of slipway.
const (
	ExitOK          = 0   // all that was asked is done; the run succeeded, or already had
	ExitFailed      = 1   // the run failed, or its upstream failed
	ExitUsage       = 2   // usage or configuration: a flag, slipway.yaml, a Polyaxonfile
	ExitStep        = 3   // a step before the run failed: build, push, secrets, access
	ExitLost        = 4   // contact was lost: how the run ended is unknown; its address is printed
	ExitTimeout     = 5   // the time limit passed
	ExitStopped     = 6   // the run was stopped or skipped by someone else
	ExitPending     = 7   // the run cannot be scheduled (with --fail-pending)
	ExitChanges     = 10  // plan --exit-code: there are changes
	ExitInterrupted = 130 // interrupted; the remote run was stopped (or left, by on-cancel)
)

// ExitCodes is the table above, as `slipway help exit-codes` prints it.
const ExitCodes = `0    all that was asked is done; the run succeeded, or already had
1    the run failed, or its upstream failed
2    usage or configuration: a flag, slipway.yaml, a Polyaxonfile
3    a step before the run failed: build, push, secrets, access
4    contact was lost: how the run ended is unknown; its address is printed
5    the time limit passed
6    the run was stopped or skipped by someone else
7    the run cannot be scheduled (with --fail-pending, or because the sandbox's machine lacks what it asks for)
10   plan --exit-code: there are changes
130  interrupted; the remote run was stopped (or left, by on-cancel)
`

// ExitCode gives the exit code for what a task returned. Of several errors
// joined, the one that comes first in this order counts: interrupted, usage,
// lost, time limit, pending, failed, stopped, step.
func ExitCode(err error) int {
	var (
		interrupted *InterruptedError
		located     *source.Error
		usage       *UsageError
		problems    *ProblemsError
		lost        *run.LostError
		limit       *TimeLimitError
		pending     *PendingError
		never       *NeverError
		ended       *RunError
		changes     *ChangesError
		broken      *panics.Error
	)
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &broken):
		return ExitStep
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &located), errors.As(err, &usage), errors.As(err, &problems):
		return ExitUsage
	case errors.As(err, &lost):
		return ExitLost
	case errors.As(err, &limit):
		return ExitTimeout
	case errors.As(err, &pending), errors.As(err, &never):
		return ExitPending
	case errors.As(err, &ended) && anyFailed(err):
		return ExitFailed
	case errors.As(err, &ended):
		return ExitStopped
	case errors.As(err, &changes):
		return ExitChanges
	}
	return ExitStep
}

// anyFailed tells whether one of the runs in err failed, rather than was stopped.
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

// UsageError is a command line that cannot be followed.
type UsageError struct{ Message string }

// Error gives the message.
func (e *UsageError) Error() string { return e.Message }

func usagef(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// InterruptedError says that a signal ended the command, and what became of the
// runs it followed.
type InterruptedError struct{ Outcome string }

// Error says what became of the runs.
func (e *InterruptedError) Error() string {
	if e.Outcome == "" {
		return "interrupted"
	}
	return "interrupted: " + e.Outcome
}

// RunError is a run that ended in another way than succeeded.
type RunError struct {
	Job, UUID string
	// Status is how it ended: failed, upstream_failed, stopped, skipped.
	Status          string
	Reason, Message string
	// LastLines are the last lines that the job printed, or Container when that is
	// another one than the job's own.
	LastLines []string
	Container string
	// Service tells that it is no job.
	Service bool
	// Followed tells that the job's lines were told as they came, and Told that the
	// message was.
	Followed, Told bool
}

// Error gives the end of the run and the job's own last lines.
func (e *RunError) Error() string {
	if e.Container != "" {
		return e.end() + e.message() + lastLines("the last lines of container "+e.Container, e.LastLines)
	}
	return e.end() + e.message() + lastLines("its last lines", e.LastLines)
}

// Cause implements Told. Lines of another container than the job's own are not told
// before.
func (e *RunError) Cause() string {
	if !e.Followed || e.Container != "" {
		return e.Error()
	}
	return e.end() + e.message()
}

// Rest implements Told.
func (e *RunError) Rest() string {
	short := *e
	if e.Told {
		short.Message = ""
	}
	return short.Cause()
}

func (e *RunError) end() string {
	return fmt.Sprintf("%s %s: run %s %s", kindOf(e.Service), e.Job, e.UUID, e.Status)
}

func (e *RunError) message() string {
	if why := strings.TrimSpace(e.Message); why != "" {
		return ": " + why
	}
	return ""
}

func lastLines(of string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "\n" + of + ":\n  " + strings.Join(lines, "\n  ")
}

func kindOf(service bool) string {
	if service {
		return "service"
	}
	return "job"
}

// TimeLimitError is a run that its time limit ended.
type TimeLimitError struct {
	Job, UUID string
	Service   bool
	Limit     time.Duration
	LastLines []string
}

// Error names the limit and how to raise it, and gives the job's own last lines.
func (e *TimeLimitError) Error() string { return e.Cause() + lastLines("its last lines", e.LastLines) }

// Rest implements Told.
func (e *TimeLimitError) Rest() string { return e.Cause() }

// Cause implements Told.
func (e *TimeLimitError) Cause() string {
	kind := kindOf(e.Service)
	text := fmt.Sprintf("%s %s: run %s passed its time limit", kind, e.Job, e.UUID)
	if e.Limit > 0 {
		text += fmt.Sprintf(" of %s (raise %ss.%s.timeout in slipway.yaml)", e.Limit, kind, e.Job)
	}
	return text
}

// PendingError is a run that waited longer than --fail-pending allows.
type PendingError struct {
	Job, UUID string
	After     time.Duration
	Why       string
	// Told tells that Why was told while the run waited.
	Told bool
}

// Error says why the run waits, as far as is known.
func (e *PendingError) Error() string {
	why := e.Why
	if why == "" {
		why = "no reason is known"
	}
	return e.end() + ": " + why
}

// Cause implements Told.
func (e *PendingError) Cause() string { return e.Error() }

// Rest implements Told.
func (e *PendingError) Rest() string {
	if e.Told {
		return e.end()
	}
	return e.Error()
}

func (e *PendingError) end() string {
	return fmt.Sprintf("job %s: run %s was not running after %s and was stopped", e.Job, e.UUID, e.After)
}

// ChangesError is how `plan --exit-code` says that there are changes.
type ChangesError struct{ Count int }

// Error counts the changes.
func (e *ChangesError) Error() string {
	if e.Count == 1 {
		return "deploy would make 1 change"
	}
	return fmt.Sprintf("deploy would make %d changes", e.Count)
}
