package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks"
)

// DefaultIdle is how long an idle sandbox keeps running.
const DefaultIdle = tasks.DefaultIdle

// Started reports whether slipway started this process to serve the sandbox, or as a container
// of it. Such a process must call Serve, and do nothing else. A program that runs tasks and has
// no targets of tasks/mage asks this first.
func (a *App) Started() bool { return sandbox.Started(os.LookupEnv) }

// Serve runs the sandbox in the foreground until ctx is cancelled, a signal arrives, or the
// sandbox has been idle for o.Idle (DefaultIdle if zero). It keeps its state in o.Dir, or in
// the sandbox directory of a.Dir if that is empty. If Started, it takes the directory and the
// release from the command that started it. It logs to Stderr.
func (a *App) Serve(ctx context.Context, o tasks.SandboxServeOptions) error {
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

// Fault prints a fault of slipway, and returns its exit code.
func (a *App) Fault(fault error) int {
	_ = a.fail(fault)
	return tasks.ExitStep
}

// Usage prints an error of the command line, and returns its exit code.
func (a *App) Usage(err error) int {
	var refused *ExitError
	_ = errors.As(a.refuse(&tasks.UsageError{Message: err.Error()}), &refused)
	return refused.Code
}
