package tasks

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// SecretsOptions say which secrets are compared or written.
type SecretsOptions struct {
	// Prune deletes those that slipway wrote earlier and slipway.yaml names no more.
	Prune bool
}

// SecretsPlan shows, masked, what SecretsSync would change in the cluster.
func SecretsPlan(ctx context.Context, env *Env, o SecretsOptions) (*Result, error) {
	return secrets(ctx, env, "secrets plan", o.Prune, (*project).planSecrets)
}

// SecretsSync writes the configuration's secrets into the cluster by server-side
// apply.
func SecretsSync(ctx context.Context, env *Env, o SecretsOptions) (*Result, error) {
	return secrets(ctx, env, "secrets sync", o.Prune, (*project).syncSecrets)
}

type secretsVerb func(*project, context.Context, *platform, []secret.Bundle, bool) ([]secret.Change, error)

func secrets(ctx context.Context, env *Env, command string, prune bool, verb secretsVerb) (*report.Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result(command)
	jobs := append(p.jobList(), p.serviceList()...)
	if err := p.config.Unbuilt(jobs, p.secretList()); err != nil {
		return result, err
	}
	bundles, err := p.bundlesFor(ctx, jobs)
	if err != nil {
		return result, err
	}
	to, err := p.connect(ctx, uses{secrets: true})
	if err != nil {
		return result, err
	}
	changes, err := verb(p, ctx, to, bundles, prune)
	result.Secrets, result.Namespace = reportSecrets(changes), to.creates
	result.Changes = countSecrets(changes)
	return result, err
}

func (p *project) secretList() []*config.Secret {
	var list []*config.Secret
	for _, name := range sorted(p.config.Secrets) {
		list = append(list, p.config.Secrets[name])
	}
	return list
}

// bundles reads all secrets' values, before anything is changed anywhere.
func (p *project) bundles(ctx context.Context) ([]secret.Bundle, error) {
	var bundles []secret.Bundle
	var errs []error
	for _, s := range p.secretList() {
		b, err := p.bundle(ctx, s)
		errs = append(errs, err)
		b.At, b.Project = p.config.At("secrets", s.Name), p.config.Project
		bundles = append(bundles, b)
	}
	return bundles, errors.Join(errs...)
}

func (p *project) bundle(ctx context.Context, s *config.Secret) (secret.Bundle, error) {
	if d := s.DockerRegistry; d != nil {
		key, err := p.resolve(ctx, d.ServiceAccountKey, "secrets", s.Name, "docker-registry", "service-account-key")
		if err != nil {
			return secret.Bundle{}, err
		}
		return secret.DockerConfig(s.Name, d.Server, key), nil
	}
	data := map[string]secret.Value{}
	var errs []error
	for _, key := range sorted(s.Data) {
		value, err := p.resolve(ctx, s.Data[key], "secrets", s.Name, "data", key)
		errs = append(errs, err)
		data[key] = value
	}
	return secret.Opaque(s.Name, data), errors.Join(errs...)
}

func (p *project) planSecrets(ctx context.Context, to *platform, bundles []secret.Bundle, prune bool) ([]secret.Change, error) {
	changes, err := secret.Plan(ctx, to.cluster.Secrets(), p.config.Project, bundles, prune)
	if err != nil {
		return changes, fmt.Errorf("read the secrets of namespace %s: %w", to.namespace, err)
	}
	return changes, nil
}

func (p *project) syncSecrets(ctx context.Context, to *platform, bundles []secret.Bundle, prune bool) ([]secret.Change, error) {
	if len(bundles) == 0 && !prune {
		return nil, p.createNamespace(ctx, to) // which runs need, too
	}
	p.event(report.Start, "secrets", to.namespace, "syncing")
	if err := p.createNamespace(ctx, to); err != nil {
		return nil, fmt.Errorf("sync secrets: %w", err)
	}
	if p.config.Cluster == nil {
		if err := to.cluster.EnsureNamespace(ctx); err != nil {
			return nil, fmt.Errorf("sync secrets: %w", err)
		}
	}
	changes, err := secret.Sync(ctx, to.cluster.Secrets(), p.config.Project, bundles, prune)
	if err != nil {
		p.event(report.Failed, "secrets", to.namespace, "not synced")
		return changes, fmt.Errorf("sync secrets: %w", err)
	}
	p.event(report.Done, "secrets", to.namespace, summary(changes))
	return changes, nil
}

// createNamespace creates the namespace that is to be created, if there is one.
func (p *project) createNamespace(ctx context.Context, to *platform) error {
	if to.creates == "" {
		return nil
	}
	if err := to.cluster.EnsureNamespace(ctx); err != nil {
		return err
	}
	p.event(report.Done, "secrets", to.creates, "namespace created")
	to.creates = ""
	return nil
}

func summary(changes []secret.Change) string {
	count := map[secret.Action]int{}
	for _, c := range changes {
		count[c.Action]++
	}
	if len(changes) == count[secret.Unchanged] {
		return fmt.Sprintf("up to date: %d", len(changes))
	}
	return fmt.Sprintf("%d created, %d updated, %d unchanged, %d pruned",
		count[secret.Create], count[secret.Update], count[secret.Unchanged], count[secret.Prune])
}

func reportSecrets(changes []secret.Change) []report.Secret {
	var list []report.Secret
	for _, c := range changes {
		keys := map[string]string{}
		for _, k := range c.Keys {
			keys[k.Key] = string(k.Action)
		}
		list = append(list, report.Secret{Name: c.Name, Action: string(c.Action), Keys: keys})
	}
	return list
}

func countSecrets(changes []secret.Change) int {
	n := 0
	for _, c := range changes {
		if c.Action != secret.Unchanged {
			n++
		}
	}
	return n
}
