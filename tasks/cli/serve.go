package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks"
)

// DefaultIdle is how long a sandbox that nobody needs goes on.
const DefaultIdle = 15 * time.Minute

// Serve runs the sandbox in the foreground, until ctx ends, a signal comes, or nobody has
// needed it for o.Idle (DefaultIdle when zero). Its state is in o.Dir, the sandbox of
// a.Dir when that is empty. Its log goes to Stderr.
func (a *App) Serve(ctx context.Context, o tasks.SandboxServeOptions) error {
	if o.Idle == 0 {
		o.Idle = DefaultIdle
	}
	if o.Dir == "" {
		o.Dir = tasks.SandboxDirectory(a.Dir)
	}
	o.Log = a.open().err
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	env, _ := a.env()
	err := panics.Catch("the sandbox in "+o.Dir, func() error { return tasks.SandboxServe(ctx, env, o) })
	var container *sandbox.ContainerError
	if errors.As(err, &container) {
		return &ExitError{Code: tasks.ExitStep, Err: err}
	}
	if err != nil {
		return a.fail(fmt.Errorf("serve the sandbox: %w", err))
	}
	return nil
}

// Fault tells a fault of slipway, and gives its exit code.
func (a *App) Fault(fault error) int {
	_ = a.fail(fault)
	return tasks.ExitStep
}

// Usage tells that the command line cannot be followed, and gives its exit code.
func (a *App) Usage(err error) int {
	var told *ExitError
	_ = errors.As(a.fail(&tasks.UsageError{Message: err.Error()}), &told)
	return told.Code
}
