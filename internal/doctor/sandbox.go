package doctor

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
)

// usesSandbox reports whether a deploy uses the sandbox.
func usesSandbox(p *project.Project) bool {
	return p.Config.Sandboxed() || len(p.Config.Images) > 0 && p.Config.Registry == ""
}

// lookAtSandbox finds out whether the sandbox runs, or could start.
func lookAtSandbox(ctx context.Context, v *visit, f *findings) {
	p := v.Project
	running, err := sandbox.Running(ctx, p.StateDir())
	switch {
	case errors.Is(err, sandbox.ErrNotRunning):
		if err := sandbox.CheckStart(sandbox.Options{Dir: p.StateDir(), Self: p.Self}); err != nil {
			f.fail("start", err, "make "+project.DisplayPath(p.StateDir())+" a directory that you can write to, and let slipway listen on 127.0.0.1")
			return
		}
		f.ok("start", "it is not running, and can start in %s", project.DisplayPath(p.StateDir()))
	case err != nil:
		f.fail("running", err, "slipway sandbox stop, or if that does not help slipway sandbox reset")
	case !running.Is(p.SandboxRelease()) && running.ActiveRuns > 0:
		f.fail("release", &sandbox.BusyError{Is: running.Release, Wanted: p.SandboxVersion().Short(), Runs: running.ActiveRuns}, "")
	default:
		f.ok("running", "as process %d, Polyaxon %s at %s", running.PID, running.Release, running.Polyaxon)
		if running.Isolation != "" {
			f.ok("isolation", "jobs are not isolated from this machine: %s", running.Isolation)
		}
	}
}
