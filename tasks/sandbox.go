package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks/report"
)

// SandboxStatus tells whether this project's sandbox runs, and where.
func SandboxStatus(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("sandbox status")
	state := &report.Sandbox{Directory: p.StateDir(), Bytes: sandbox.DiskUse(p.StateDir())}
	result.Sandbox = state
	running, err := sandbox.Running(ctx, p.StateDir())
	if errors.Is(err, sandbox.ErrNotRunning) {
		return result, nil
	}
	if err != nil {
		return result, err
	}
	state.Running, state.PID, state.Started = true, running.PID, &running.Started
	state.Registry, state.Kubernetes, state.Polyaxon = running.Registry, running.Kubernetes, running.Polyaxon
	state.Platform, state.Isolation, state.Isolated = running.Platform, running.Isolation, running.Isolation == ""
	state.ActiveRuns = running.ActiveRuns
	return result, nil
}

// SandboxStop stops this project's sandbox, and the runs on it.
func SandboxStop(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("sandbox stop")
	running, err := sandbox.Running(ctx, p.StateDir())
	if errors.Is(err, sandbox.ErrNotRunning) {
		p.Note("the sandbox was not running")
		return result, nil
	}
	if err == nil {
		err = running.Stop(ctx)
	}
	if err != nil {
		return result, fmt.Errorf("stop the sandbox: %w", err)
	}
	p.Event(report.Done, "sandbox", p.Config.Project, "stopped")
	return result, nil
}

// SandboxReset stops this project's sandbox and deletes all that it holds:
// images, secrets, runs, their outputs and the persistent volumes.
func SandboxReset(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("sandbox reset")
	if err := sandbox.Reset(ctx, p.StateDir()); err != nil {
		return result, fmt.Errorf("reset the sandbox: %w", err)
	}
	p.Event(report.Done, "sandbox", p.Config.Project, "reset")
	return result, nil
}

// SandboxServeOptions say how the sandbox serves.
type SandboxServeOptions struct {
	// Dir is where it keeps its state.
	Dir string `flag:"state" mage:"dir" help:"keep the state here (default .slipway/sandbox)"`
	// Idle is how long it goes on while nobody needs it.
	Idle time.Duration `flag:"idle" default:"15m" help:"end when nobody has needed it for this long"`
	// Release is that of Polyaxon which it serves as, 2.18 when empty.
	Release string `flag:"polyaxon" oneof:"1.11.3,2.18" help:"be this release of Polyaxon: 1.11.3 or 2.18 (default 2.18)"`
	// Log takes what it has to say.
	Log io.Writer
}

// SandboxServe is the sandbox itself: it serves the platform until ctx ends or nobody
// has needed it for o.Idle. Commands start it by themselves, in the background. It is
// also how the sandbox starts a job's container: then it becomes that container's first
// process, and does not return.
func SandboxServe(ctx context.Context, env *Env, o SandboxServeOptions) error {
	return sandbox.Serve(ctx, sandbox.ServeOptions{
		Dir: o.Dir, Idle: o.Idle, Log: o.Log, Self: env.Self, Lookup: env.Lookup, Version: env.Version, Release: o.Release,
	})
}

// SandboxDirectory is where the sandbox of the repository in dir keeps its state.
func SandboxDirectory(dir string) string { return project.SandboxDir(dir) }
