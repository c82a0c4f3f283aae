package status

import (
	"context"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtSecrets compares the secrets of slipway.yaml with those of the cluster. Values that
// cannot be read here are not compared.
func (v *viewer) lookAtSecrets(ctx context.Context) {
	all := v.SecretList()
	if len(all) == 0 {
		return
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	stored, err := v.Cluster.Secrets().Read(ctx, names)
	if !v.asked(secrets, "get secrets", err) {
		return
	}
	_ = v.ReadRemote(ctx) // all at once, and once; the errors of each come back below
	for _, s := range all {
		at := slices.IndexFunc(stored, func(x secret.Stored) bool { return x.Name == s.Name })
		var old *secret.Stored
		if at >= 0 {
			old = &stored[at]
		}
		v.found.Secrets = append(v.found.Secrets, v.compare(ctx, s, old))
	}
}

// compare compares a secret of slipway.yaml with the cluster's, which is nil if there is
// none.
func (v *viewer) compare(ctx context.Context, s *config.Secret, old *secret.Stored) report.ClusterSecret {
	one := report.ClusterSecret{Name: s.Name, State: string(secret.Missing)}
	if old == nil {
		return one
	}
	b, err := deploy.Bundle(ctx, v.Project, s)
	if err != nil {
		one.State, one.Reason = string(secret.There), err.Error()
		return one
	}
	state, differs := secret.Compare(b, old)
	one.State, one.Differs = string(state), differs
	switch {
	case state != secret.Other || len(differs) > 0:
	case !old.Managed:
		one.Reason = "slipway did not write it"
	case old.Project != b.Project:
		one.Reason = "it is of project " + old.Project
	default:
		one.Reason = "it is not immutable yet"
	}
	return one
}
