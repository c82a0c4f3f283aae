package status

import (
	"context"
	"errors"

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

// needsOfManifests returns the rights that slipway uses for the manifests of slipway.yaml.
// Their resources are those that kinds have by convention. Manifests that cannot be read
// need none: check reports them.
func (v *viewer) needsOfManifests() []platform.Need {
	objects, err := manifest.Read(v.Config, v.RunNamespace, v.Lookup)
	if err != nil || len(objects) == 0 || v.Embedded {
		return nil
	}
	var needed, optional []platform.Need
	known := map[string]bool{}
	use := func(group, resource, what string, isOptional bool, verbs ...string) {
		for _, verb := range verbs {
			if key := verb + " " + resource + "." + group; !known[key] {
				known[key] = true
				one := platform.Need{Right: cluster.Right{Verb: verb, Group: group, Resource: resource}, For: what, Optional: isOptional}
				if isOptional {
					optional = append(optional, one)
				} else {
					needed = append(needed, one)
				}
			}
		}
	}
	for _, o := range objects {
		of, _ := meta.UnsafeGuessKindToResource(o.Kind())
		use(of.Group, of.Resource, "to apply manifests", false, "get", "create", "patch")
		use(of.Group, of.Resource, "to put manifests back with --rollback, and to delete with --prune", true, "delete", "update")
	}
	use("", "configmaps", "to list what was applied", false, "get", "create", "patch")
	use("apps", "replicasets", "to say why an object is not rolled out", true, "list")
	return append(needed, optional...)
}
