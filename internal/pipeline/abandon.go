package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// stopLimit is how long an interrupted command waits for its runs to stop. A GitHub runner
// kills the step 7.5 s after the first signal.
const stopLimit = 4500 * time.Millisecond

// Abandon stops following a run after err has ended that, usually because ctx was cancelled.
// It stops the run, or leaves it running if the job's on-cancel says so.
func (p *Pipeline) Abandon(ctx context.Context, j *config.Job, target run.Target, e *JobResult, err error) error {
	return p.abandon(ctx, ctx, j, target, e, err)
}

// abandon stops following a run that has not ended. It stops the run if the run waited or
// ran for too long, or if the command was interrupted, unless the job's on-cancel leaves it
// running. followed is the context that the run was followed with: its cause may be an
// *exit.PendingError.
func (p *Pipeline) abandon(ctx, followed context.Context, j *config.Job, target run.Target, e *JobResult, err error) error {
	var pending *exit.PendingError
	var over *run.LimitError
	var why error
	switch {
	case ctx.Err() != nil:
		return p.interrupt(ctx, j, target, e, stopLimit)
	case errors.As(err, &over):
		why = &exit.TimeLimitError{Job: j.Name, Service: j.Service, UUID: target.UUID, Limit: j.Timeout, LastLines: over.LastLines}
	case errors.As(context.Cause(followed), &pending):
		why = pending
	default:
		return fmt.Errorf("follow %s: %w", jobLabel(j), err)
	}
	if err := p.stop(ctx, j, target, e, stopLimit); err != nil {
		return fmt.Errorf("%w; %w", why, err)
	}
	return why
}

// interrupt handles the run of an interrupted command: it stops the run and confirms that
// within limit, or leaves it running if the job's on-cancel says so. A run of a matrix that
// was stopped early is always stopped.
func (p *Pipeline) interrupt(ctx context.Context, j *config.Job, target run.Target, e *JobResult, limit time.Duration) error {
	if early := stoppedEarly(ctx); early != nil {
		if err := p.stop(ctx, j, target, e, stopLimit); err != nil {
			return err
		}
		return early
	}
	if j.OnCancel == config.OnCancelLeave {
		p.Note(fmt.Sprintf("run %s of %s keeps running (on-cancel: leave); follow it with: slipway follow %s", target.UUID, jobLabel(j), target.UUID))
		return &exit.InterruptedError{Outcome: fmt.Sprintf("run %s of %s was left running", target.UUID, jobLabel(j))}
	}
	if err := p.stop(ctx, j, target, e, limit); err != nil {
		return &exit.InterruptedError{Outcome: err.Error()}
	}
	return &exit.InterruptedError{Outcome: fmt.Sprintf("run %s of %s was stopped", target.UUID, jobLabel(j))}
}

// stop stops a run and confirms that within limit, even if ctx is cancelled.
func (p *Pipeline) stop(ctx context.Context, j *config.Job, target run.Target, e *JobResult, limit time.Duration) error {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := run.Stop(stopping, p.Polyaxon, target); err != nil {
		return fmt.Errorf("run %s of %s could NOT be stopped, and may still be running: %w; stop it with: slipway stop %s", target.UUID, jobLabel(j), err, target.UUID)
	}
	e.Status = polyaxon.Stopped
	p.Report(report.Event{Kind: report.Status, Step: "run", Subject: j.Name, Run: target.UUID, Status: string(e.Status)})
	return nil
}

// interrupted is like exit.IfInterrupted, but returns the *earlyStop for a run of a matrix
// that was stopped early.
func interrupted(ctx context.Context, err error) error {
	early := stoppedEarly(ctx)
	switch {
	case early == nil || errors.As(err, new(*exit.InterruptedError)):
		return exit.IfInterrupted(ctx, err)
	case errors.As(err, new(*run.UnconfirmedError)):
		return err
	}
	return early
}
