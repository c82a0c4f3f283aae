package deploy

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// secrets is the step that syncs the secrets, and creates the namespace if slipway.yaml asks
// for it.
type secrets struct{ *Deployment }

// Apply implements Step.
func (s secrets) Apply(ctx context.Context, result *report.Result) error {
	changes, err := s.sync(ctx)
	result.Secrets = append(result.Secrets, reportSecrets(changes)...)
	if err != nil {
		return ifInterrupted(ctx, err)
	}
	return s.tellUsers(ctx, changes, result, false)
}

// Plan implements Step. It masks values.
func (s secrets) Plan(ctx context.Context, result *report.Result) (changes int, err error) {
	if !s.ReadsSecrets() {
		for _, name := range s.unread {
			result.Secrets = append(result.Secrets, report.Secret{Name: name, Action: report.ActionUnknown})
			changes++
		}
		return changes, nil
	}
	asks, err := s.connectForPlan(ctx, "the cluster", platform.Uses{Secrets: s.Uses().Secrets})
	if err != nil {
		return 0, err
	}
	if asks {
		planned, err := s.plan(ctx)
		if !isUnreachable(err) || ctx.Err() != nil {
			result.Secrets = append(result.Secrets, reportSecrets(planned)...)
			if err == nil {
				err = s.tellUsers(ctx, planned, result, true)
			}
			return tallySecrets(planned).changed(), err
		}
		s.noteUnreachable("the cluster", err)
	}
	for _, b := range s.Bundles {
		result.Secrets = append(result.Secrets, report.Secret{Name: b.Name, Action: report.ActionUnknown})
		changes++
	}
	return changes, ctx.Err()
}

// plan compares the secrets with those in the cluster. The error says which changes
// Kubernetes would refuse.
func (s secrets) plan(ctx context.Context) ([]secret.Change, error) {
	return secret.Plan(ctx, s.Cluster.Secrets(), s.wanted())
}

// prepare plans the changes, and returns an error for one that the API server would refuse, before
// anything is changed.
func (s secrets) prepare(ctx context.Context) ([]secret.Change, error) {
	changes, err := s.plan(ctx)
	if err != nil || s.Embedded || s.NamespaceToCreate != "" || tallySecrets(changes).changed() == 0 {
		return changes, err
	}
	err = secret.Apply(ctx, s.Cluster.TriedSecrets(), s.wanted(), changes)
	if apierrors.IsForbidden(err) || cluster.OwnedByOthers(err) || errors.As(err, new(*cluster.RefusedError)) || errors.As(err, new(*cluster.LeavingError)) {
		return nil, err
	}
	return changes, ctx.Err() // other errors may be about trying alone
}

// wanted returns what to sync.
func (d *Deployment) wanted() secret.Wanted {
	return secret.Wanted{Project: d.Config.Project, Bundles: d.Bundles, Prune: d.Prune, Force: d.ForceConflicts}
}

func (s secrets) sync(ctx context.Context) ([]secret.Change, error) {
	if !s.Uses().Secrets {
		return nil, s.createNamespace(ctx) // the runs need it too
	}
	s.Event(report.Start, "secrets", s.RunNamespace, "syncing")
	if err := s.createNamespace(ctx); err != nil {
		return nil, fmt.Errorf("sync secrets: %w", err)
	}
	if s.Config.Cluster == nil {
		if err := s.Cluster.EnsureNamespace(ctx); err != nil {
			return nil, fmt.Errorf("sync secrets: %w", err)
		}
	}
	changes := s.planned
	if changes == nil {
		var err error
		if changes, err = s.prepare(ctx); err != nil {
			return nil, s.notSynced(err)
		}
	}
	if err := secret.Apply(ctx, s.Cluster.Secrets(), s.wanted(), changes); err != nil {
		return changes, s.notSynced(err)
	}
	s.Event(report.Done, "secrets", s.RunNamespace, tallySecrets(changes).String())
	return changes, nil
}

func (s secrets) notSynced(err error) error {
	s.Event(report.Failed, "secrets", s.RunNamespace, "not synced")
	return fmt.Errorf("sync secrets: %w", err)
}

// createNamespace creates the namespace if slipway.yaml asks for it.
func (s secrets) createNamespace(ctx context.Context) error {
	if s.NamespaceToCreate == "" {
		return nil
	}
	if err := s.Cluster.EnsureNamespace(ctx); err != nil {
		return err
	}
	s.Event(report.Done, "secrets", s.NamespaceToCreate, "namespace created")
	s.NamespaceToCreate = ""
	return nil
}

func reportSecrets(changes []secret.Change) []report.Secret {
	var list []report.Secret
	for _, c := range changes {
		keys := map[string]string{}
		for _, k := range c.Keys {
			keys[k.Key] = string(k.Action)
		}
		list = append(list, report.Secret{Name: c.Name, Action: report.Action(c.Action), Keys: keys})
	}
	return list
}

// SyncSecrets connects to the cluster and syncs only the secrets.
func (d *Deployment) SyncSecrets(ctx context.Context, result *report.Result) error {
	return d.withSecretsStep(ctx, result, secrets.sync, false)
}

// PlanSecrets connects to the cluster and plans only the secrets. It returns an error if the
// cluster does not answer.
func (d *Deployment) PlanSecrets(ctx context.Context, result *report.Result) error {
	return d.withSecretsStep(ctx, result, secrets.plan, true)
}

// withSecretsStep connects to the cluster, calls do, and adds the changes to result. It
// tells what uses the Secrets.
func (d *Deployment) withSecretsStep(ctx context.Context, result *report.Result, do func(secrets, context.Context) ([]secret.Change, error), planned bool) error {
	if d.NoSecrets != "" {
		return d.planOnly(ctx, []Step{secrets{d}}, result)
	}
	u := platform.Uses{Secrets: true}
	if err := d.CheckCombination(u); err != nil {
		return err
	}
	if err := d.Extend(ctx, u); err != nil {
		return err
	}
	changes, err := do(secrets{d}, ctx)
	result.Secrets, result.CreateNamespace, result.Changes = reportSecrets(changes), d.NamespaceToCreate, tallySecrets(changes).changed()
	if err != nil {
		return err
	}
	return secrets{d}.tellUsers(ctx, changes, result, planned)
}
