package platform

import (
	"context"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Look returns a Platform with the cluster of the runs connected, for commands that change
// nothing. The cluster stays nil if slipway.yaml names a Polyaxon server and no cluster. It
// sends no request to the cluster. It does not start the sandbox: if runs go there and it
// does not run, the error is sandbox.ErrNotRunning.
func Look(ctx context.Context, p *project.Project) (*Platform, error) {
	to := New(p)
	switch {
	case to.Embedded:
		running, err := sandbox.Running(ctx, p.StateDir())
		if err != nil {
			return nil, err
		}
		secret.LearnAll(p.Secrets, running.Token, running.RegistryToken, running.KubernetesToken)
		to.Sandbox, to.RunNamespace = running, running.Namespace
	case p.Config.Cluster == nil:
		return to, nil
	}
	return to, to.connectCluster(ctx)
}
