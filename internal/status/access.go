package status

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtNamespace finds out whether the namespace exists.
func (v *viewer) lookAtNamespace(ctx context.Context) {
	err := v.Cluster.CheckNamespace(ctx)
	if none := new(cluster.NoNamespaceError); errors.As(err, &none) {
		v.hide(namespace, "", err)
		err = nil
	}
	v.asked(namespace, "get namespaces", err)
}

// lookAtIdentity finds out who the user is.
func (v *viewer) lookAtIdentity(ctx context.Context) {
	name, groups, err := v.Cluster.Identity(ctx)
	if apierrors.IsNotFound(err) && v.Embedded {
		name, err = "the owner of the sandbox", nil
	}
	if apierrors.IsNotFound(err) {
		err = errors.New("this server does not tell (Kubernetes 1.28 and newer do)")
		v.hide(identity, "", err)
		return
	}
	if v.asked(identity, "create selfsubjectreviews.authentication.k8s.io", err) {
		v.found.User, v.found.Groups = name, groups
	}
}

// lookAtRights finds out what the user may do of what slipway does for this repository.
func (v *viewer) lookAtRights(ctx context.Context) {
	needs := v.Needs()
	asked := make([]cluster.Right, len(needs))
	for i, n := range needs {
		asked[i] = n.Right
	}
	verdicts, err := v.Cluster.Review(ctx, asked)
	if !v.asked(rights, "create selfsubjectaccessreviews.authorization.k8s.io", err) {
		return
	}
	for i, n := range needs {
		one := report.Right{Verb: n.Verb, Resource: n.Object(), For: n.For, Optional: n.Optional}
		if verdicts[i] != cluster.Unknown {
			allowed := verdicts[i] == cluster.Allowed
			one.Allowed = &allowed
		}
		v.found.Rights = append(v.found.Rights, one)
	}
}
