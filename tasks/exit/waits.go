package exit

import (
	"fmt"
	"time"
)

// TimeLimitError says that a run passed its time limit.
type TimeLimitError struct {
	Job, UUID string
	Service   bool
	Limit     time.Duration
	LastLines []string
}

// Error names the limit and how to raise it, followed by the last lines of the job.
func (e *TimeLimitError) Error() string { return e.Cause() + lastLines("its last lines", e.LastLines) }

// Rest implements Reported.
func (e *TimeLimitError) Rest() string { return e.Cause() }

// Cause implements Reported.
func (e *TimeLimitError) Cause() string {
	kind := kindOf(e.Service)
	text := fmt.Sprintf("%s %s: run %s passed its time limit", kind, e.Job, e.UUID)
	if e.Limit > 0 {
		text += fmt.Sprintf(" of %s (raise %ss.%s.timeout in slipway.yaml)", e.Limit, kind, e.Job)
	}
	return text
}

// PendingError says that a run waited longer than --fail-pending allows.
type PendingError struct {
	Job, UUID string
	After     time.Duration
	Why       string
	// Reported reports whether Why was printed while the run waited.
	Reported bool
}

// Error says why the run waits, if that is known.
func (e *PendingError) Error() string {
	why := e.Why
	if why == "" {
		why = "no reason is known"
	}
	return e.end() + ": " + why
}

// Cause implements Reported.
func (e *PendingError) Cause() string { return e.Error() }

// Rest implements Reported.
func (e *PendingError) Rest() string {
	if e.Reported {
		return e.end()
	}
	return e.Error()
}

func (e *PendingError) end() string {
	return fmt.Sprintf("job %s: run %s was not running after %s and was stopped", e.Job, e.UUID, e.After)
}

// UnschedulableError says that a job needs resources that the sandbox's machine does not have.
type UnschedulableError struct{ Job, Why string }

// Error says what the machine lacks.
func (e *UnschedulableError) Error() string {
	return fmt.Sprintf("job %s can never run: %s", e.Job, e.Why)
}
