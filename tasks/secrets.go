package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/deploy"
)

// SecretsOptions are the options of SecretsPlan and SecretsSync.
type SecretsOptions struct {
	// Prune includes secrets that slipway wrote earlier and that slipway.yaml no longer names.
	// SecretsSync deletes them.
	Prune bool `flag:"prune" help:"include secrets that slipway wrote and that slipway.yaml no longer names: sync deletes them"`
	// ForceConflicts takes fields of secrets from other field managers, such as kubectl.
	// Without it, the command fails if one of these has set a field to another value.
	ForceConflicts bool `flag:"force-conflicts" help:"take over what another field manager, such as kubectl, has set in a secret to another value"`
	// Restart makes SecretsSync restart what runs and uses a secret whose value has changed:
	// services of slipway.yaml, and Deployments, StatefulSets and DaemonSets.
	Restart bool `flag:"restart" help:"restart the services, Deployments, StatefulSets and DaemonSets that use a secret whose value has changed; plan only names them"`
}

// SecretsPlan reports, masked, what SecretsSync would change in the cluster.
func SecretsPlan(ctx context.Context, env *Env, o SecretsOptions) (*Result, error) {
	return secrets(ctx, env, "secrets plan", o, (*deploy.Deployment).PlanSecrets)
}

// SecretsSync writes the secrets of slipway.yaml to the cluster by server-side apply.
func SecretsSync(ctx context.Context, env *Env, o SecretsOptions) (*Result, error) {
	return secrets(ctx, env, "secrets sync", o, (*deploy.Deployment).SyncSecrets)
}

func secrets(ctx context.Context, env *Env, command string, o SecretsOptions, do func(*deploy.Deployment, context.Context, *Result) error) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result(command)
	d, err := deploy.ReadSecrets(ctx, p)
	if err != nil {
		return result, err
	}
	d.Prune, d.ForceConflicts, d.Restart = o.Prune, o.ForceConflicts, o.Restart
	if err := do(d, ctx, result); err != nil {
		return result, err
	}
	if len(result.Secrets) == 0 {
		p.Note("no secrets in slipway.yaml")
	}
	return result, nil
}
