package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// locate finds the project, even if there is a mistake in slipway.yaml.
func (e *Env) locate(ctx context.Context) (*project.Place, error) {
	env, err := e.project()
	if err != nil {
		return nil, err
	}
	return project.Locate(ctx, env)
}

// SandboxStatus reports whether this project's sandbox is running, and where.
func SandboxStatus(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.locate(ctx)
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

// SandboxStop stops this project's sandbox and the runs in it.
func SandboxStop(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.locate(ctx)
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
	p.Event(report.Done, "sandbox", p.Name, "stopped")
	return result, nil
}

// SandboxReset stops this project's sandbox and deletes everything in it: images, secrets,
// runs, their outputs and the persistent volumes.
func SandboxReset(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.locate(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("sandbox reset")
	if err := sandbox.Reset(ctx, p.StateDir()); err != nil {
		return result, fmt.Errorf("reset the sandbox: %w", err)
	}
	p.Event(report.Done, "sandbox", p.Name, "reset")
	return result, nil
}

// DefaultIdle is how long an idle sandbox keeps running by default.
const DefaultIdle = 15 * time.Minute

// SandboxServeOptions are the options of SandboxServe.
type SandboxServeOptions struct {
	// Dir is the directory for the sandbox's state. If slipway started this process, it has
	// said which one, and Dir and Release do not count.
	Dir string `flag:"state" mage:"dir" help:"keep the state here (default .slipway/sandbox)"`
	// Idle is how long the sandbox keeps running while idle. Zero means DefaultIdle.
	Idle time.Duration `flag:"idle" default:"15m" help:"stop when no command has used it for this long"`
	// Release is the version of Polyaxon that the sandbox behaves like, 2.18 if empty.
	Release string `flag:"polyaxon" oneof:"1.11.3,2.18" help:"be this release of Polyaxon: 1.11.3 or 2.18 (default 2.18)"`
	// Log receives the sandbox's log. It may be nil.
	Log io.Writer
}

// SandboxServe runs the sandbox: it serves the platform until ctx is cancelled or the
// sandbox has been idle for o.Idle. Commands start it in the background when they need it.
// The sandbox also starts a job's container with it. In that case the process becomes the
// container's first process, and SandboxServe does not return.
func SandboxServe(ctx context.Context, env *Env, o SandboxServeOptions) error {
	if err := env.check(); err != nil {
		return err
	}
	if o.Idle == 0 {
		o.Idle = DefaultIdle
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if known := sandbox.Releases(); o.Release != "" && !slices.Contains(known, o.Release) {
		return exit.Usagef("--polyaxon %s: the release must be %s", o.Release, strings.Join(known, " or "))
	}
	if o.Idle < 0 {
		return exit.Usagef("--idle %s is not a valid duration: give one such as 15m", o.Idle)
	}
	return sandbox.Serve(ctx, sandbox.ServeOptions{
		Dir: o.Dir, Idle: o.Idle, Log: o.Log, Self: env.Self, Lookup: env.Lookup, Version: env.Version, Release: o.Release,
	})
}

// SandboxDirectory returns the directory of the sandbox's state for the repository in dir.
func SandboxDirectory(dir string) string { return project.SandboxDir(dir) }
