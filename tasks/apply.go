package tasks

import (
	"context"
	"time"

	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// ApplyOptions are the options of Apply.
type ApplyOptions struct {
	// Prune deletes objects that slipway applied earlier and that no manifest names.
	Prune bool `flag:"prune" help:"delete objects that slipway applied earlier and that no manifest of slipway.yaml names"`
	// ForceConflicts takes fields of objects from other field managers, such as kubectl. Without
	// it, Apply fails if one of these has set a field to another value.
	ForceConflicts bool `flag:"force-conflicts" help:"take over what another field manager, such as kubectl, has set in an object to another value"`
	// RolloutTimeout is how long to wait until the manifests are rolled out. Zero means
	// that Apply does not wait.
	RolloutTimeout time.Duration `flag:"rollout-timeout" help:"wait this long until the manifests are rolled out, and exit with 1 otherwise; 0 does not wait" default:"10m"`
	// Rollback puts back what was if the manifests cannot be applied or are not rolled out.
	Rollback bool `flag:"rollback" help:"put back what was if the manifests cannot be applied, or are not rolled out in time"`
}

// Apply applies the manifests of slipway.yaml to the cluster by server-side apply, after it has
// built and pushed their images, and waits until they are rolled out. It changes nothing before
// the cluster has accepted a dry run of all objects. If an object is not rolled out, the error is
// a *RolloutError.
func Apply(ctx context.Context, env *Env, o ApplyOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("apply")
	if err := checkRolloutTimeout(o.RolloutTimeout); err != nil {
		return result, err
	}
	if len(p.Config.Manifests) == 0 && !o.Prune {
		p.Note("no manifests in slipway.yaml")
		return result, nil
	}
	d, err := deploy.ReadManifests(ctx, p)
	if err != nil {
		return result, err
	}
	d.PruneManifests, d.ForceConflicts, d.RolloutTimeout, d.Rollback = o.Prune, o.ForceConflicts, o.RolloutTimeout, o.Rollback
	return result, d.ApplyManifests(ctx, result)
}

// checkRolloutTimeout returns a *UsageError for a time that is negative.
func checkRolloutTimeout(d time.Duration) error {
	if d < 0 {
		return exit.Usagef("--rollout-timeout %s is not a valid duration: give one such as 10m, or 0 to wait for nothing", d)
	}
	return nil
}
