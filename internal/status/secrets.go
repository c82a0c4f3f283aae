package status

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtSecrets compares the secrets of slipway.yaml with those of the cluster that the user
// may read. Values that cannot be read here are not compared.
func (v *viewer) lookAtSecrets(ctx context.Context) {
	all := v.SecretList()
	if len(all) == 0 {
		return
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	stored, unread, err := v.Cluster.ReadableSecrets(ctx, names)
	if !v.asked(secrets, "get secrets", err) {
		return
	}
	if hidden := slices.Sorted(maps.Keys(unread)); len(hidden) == len(all) {
		v.hide(secrets, "get secrets", unread[hidden[0]])
	} else if len(hidden) > 0 {
		v.hide(secrets+" "+strings.Join(hidden, ", "), "get secrets", unread[hidden[0]])
	}
	_ = v.ReadRemote(ctx) // all at once, and once; the errors of each come back below
	for _, s := range all {
		if unread[s.Name] != nil {
			continue
		}
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
