package tasks

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/status"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// ClusterStatus reports the state of the cluster, as far as the user may see it. What is
// not visible is named in the Result, and is no error. It changes nothing, and does not
// start the sandbox.
func ClusterStatus(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("cluster status")
	to, err := platform.Look(ctx, p)
	if errors.Is(err, sandbox.ErrNotRunning) {
		result.Sandbox = &report.Sandbox{Directory: p.StateDir(), Bytes: sandbox.DiskUse(p.StateDir())}
		return result, nil
	}
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	result.Cluster, result.Runs, err = status.Look(ctx, to)
	return result, exit.IfInterrupted(ctx, err)
}
