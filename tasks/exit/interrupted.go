package exit

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/run"
)

// InterruptedError says that a signal ended the command, and what became of the runs that it
// followed.
type InterruptedError struct{ Outcome string }

// Error says what became of the runs, if that is known.
func (e *InterruptedError) Error() string {
	if e.Outcome == "" {
		return "interrupted"
	}
	return "interrupted: " + e.Outcome
}

// IfInterrupted returns an *InterruptedError if ctx was cancelled before a run was
// submitted. Otherwise, and if err is already one, it returns err.
func IfInterrupted(ctx context.Context, err error) error {
	if interrupted := new(InterruptedError); ctx.Err() == nil || errors.As(err, &interrupted) {
		return err
	}
	if unconfirmed := new(run.UnconfirmedError); errors.As(err, &unconfirmed) {
		return &InterruptedError{Outcome: unconfirmed.Error()}
	}
	return &InterruptedError{Outcome: "nothing was left running"}
}

// IfInterruptedWith returns an *InterruptedError if ctx was cancelled. Its Outcome is
// outcome, which says what is not known. Otherwise, and if err is nil or already an
// *InterruptedError, it returns err.
func IfInterruptedWith(ctx context.Context, err error, outcome string) error {
	if interrupted := new(InterruptedError); err == nil || ctx.Err() == nil || errors.As(err, &interrupted) {
		return err
	}
	return &InterruptedError{Outcome: outcome}
}
