package exit

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/run"
)

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

// IfInterrupted returns an *InterruptedError when ctx was cancelled before there was a run.
// Otherwise, and when err is one already, it returns err.
func IfInterrupted(ctx context.Context, err error) error {
	if interrupted := new(InterruptedError); ctx.Err() == nil || errors.As(err, &interrupted) {
		return err
	}
	if unconfirmed := new(run.UnconfirmedError); errors.As(err, &unconfirmed) {
		return &InterruptedError{Outcome: unconfirmed.Error()}
	}
	return &InterruptedError{Outcome: "nothing was left running"}
}

// Unsure returns an *InterruptedError that says what is not known, when ctx was cancelled.
// Otherwise, and when err is nil or one already, it returns err.
func Unsure(ctx context.Context, err error, what string) error {
	if interrupted := new(InterruptedError); err == nil || ctx.Err() == nil || errors.As(err, &interrupted) {
		return err
	}
	return &InterruptedError{Outcome: what}
}
