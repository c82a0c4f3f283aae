package status

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/platform"
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
	needs := append(v.Needs(), v.needsOfManifests()...)
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

// needsOfManifests returns the rights that slipway uses for the manifests of slipway.yaml, each
// once. Their resources are those that kinds have by convention. Manifests that cannot be read
// need none: check reports them.
func (v *viewer) needsOfManifests() []platform.Need {
	if v.Embedded {
		return nil // the sandbox applies none
	}
	objects, err := manifest.Read(v.Config, v.RunNamespace, v.Lookup)
	if err != nil || len(objects) == 0 {
		return nil
	}
	var needed, optional []platform.Need
	for _, o := range objects {
		resource, _ := meta.UnsafeGuessKindToResource(o.Kind())
		of := cluster.Right{Group: resource.Group, Resource: resource.Resource}
		needed = append(needed, platform.NeedsOf(of, "to apply manifests", false, "get", "create", "patch")...)
		optional = append(optional, platform.NeedsOf(of, "to put manifests back with --rollback, and to delete with --prune", true, "delete", "update")...)
	}
	needed = append(needed, platform.NeedsOf(cluster.Right{Resource: "configmaps"}, "to list what was applied", false, "get", "create", "patch")...)
	optional = append(optional, platform.NeedsOf(cluster.Right{Group: "apps", Resource: "replicasets"}, "to say why an object is not rolled out", true, "list")...)
	known := map[cluster.Right]bool{}
	return slices.DeleteFunc(append(needed, optional...), func(n platform.Need) bool {
		again := known[n.Right]
		known[n.Right] = true
		return again
	})
}
