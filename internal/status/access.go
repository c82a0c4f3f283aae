package status

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtNamespace finds out whether the namespace exists. It is an error if it does not, and is
// not created.
func (v *viewer) lookAtNamespace(ctx context.Context) {
	err := v.Cluster.CheckNamespace(ctx)
	none := new(cluster.NoNamespaceError)
	switch {
	case v.Embedded: // the sandbox has each namespace
	case errors.As(err, &none) && v.Config.Cluster.CreateNamespace:
		v.hide(namespace, "", errors.New("it does not exist yet: deploy creates it"))
		err = nil
	case errors.As(err, &none):
		v.absent = v.NoNamespace(none)
		err = nil
	case errors.As(err, new(*cluster.LeavingError)):
		v.hide(namespace, "", err)
		err = nil
	}
	v.asked(namespace, "get namespaces", err)
}

// lookAtIdentity finds out who the user is.
func (v *viewer) lookAtIdentity(ctx context.Context) {
	name, groups, err := v.Cluster.Identity(ctx)
	if apierrors.IsNotFound(err) {
		err = errors.New("this server does not report the user (Kubernetes 1.28 and newer do)")
		v.hide(identity, "", err)
		return
	}
	if v.asked(identity, "create selfsubjectreviews.authentication.k8s.io", err) {
		v.found.User, v.found.Groups = name, groups
	}
}

// lookAtRights finds out what the user may do of what slipway does for this repository.
func (v *viewer) lookAtRights(ctx context.Context) {
	needs := Needs(ctx, v.Platform)
	asked := make([]cluster.Right, len(needs))
	for i, n := range needs {
		asked[i] = n.Right
	}
	verdicts, err := v.Cluster.Review(ctx, asked)
	if !v.asked(rights, "create selfsubjectaccessreviews.authorization.k8s.io", err) {
		return
	}
	v.found.Rights = rightsOf(needs, verdicts)
}

// rightsOf returns the rights of needs, in their order, with the verdicts on them. What is
// needed of several objects is one right if the verdict on all of them is the same.
func rightsOf(needs []platform.Need, verdicts []cluster.Verdict) []report.Right {
	var kinds []platform.Need
	names := map[platform.Need]map[cluster.Verdict][]string{}
	for i, n := range needs {
		kind := n
		if kind.Name = ""; names[kind] == nil {
			kinds, names[kind] = append(kinds, kind), map[cluster.Verdict][]string{}
		}
		names[kind][verdicts[i]] = append(names[kind][verdicts[i]], n.Name)
	}
	var all []report.Right
	for _, kind := range kinds {
		for _, verdict := range []cluster.Verdict{cluster.Allowed, cluster.Denied, cluster.Unknown} {
			if names[kind][verdict] == nil {
				continue
			}
			one := report.Right{Verb: kind.Verb, Resource: kind.Object(), For: kind.For, Optional: kind.Optional}
			if len(names[kind]) > 1 {
				one.Names = names[kind][verdict]
			}
			if verdict != cluster.Unknown {
				allowed := verdict == cluster.Allowed
				one.Allowed = &allowed
			}
			all = append(all, one)
		}
	}
	return all
}

// needsOfManifests returns the rights that slipway uses for the manifests of slipway.yaml, each
// once. Manifests that cannot be read need none: check reports them.
func (v *viewer) needsOfManifests(ctx context.Context) []platform.Need {
	if v.Embedded {
		return nil // the sandbox applies none
	}
	objects, err := manifest.Read(v.Config, v.RunNamespace, v.Lookup)
	if err != nil || len(objects) == 0 {
		return nil
	}
	kinds, err := v.Cluster.Objects()
	if err != nil {
		return nil
	}
	var needed, optional []platform.Need
	for _, o := range objects {
		of := rightOn(ctx, kinds, o.Kind())
		of.Name = o.Name()
		needed = append(needed, platform.NeedsOf(of, "to apply manifests", false, "get", "create", "patch")...)
		optional = append(optional, platform.NeedsOf(of, "to put manifests back with --rollback, and to delete with --prune", true, "delete", "update")...)
	}
	inventory := cluster.Right{Resource: "configmaps", Name: manifest.InventoryName(v.Config.Project)}
	const list = "to list what was applied"
	needed = append(needed, platform.NeedsOf(inventory, list, false, "get", "patch")...)
	needed = append(needed, platform.NeedsOf(cluster.Right{Resource: inventory.Resource}, list, false, "create")...) // what is created by POST has no name yet
	optional = append(optional, platform.NeedsOf(cluster.Right{Group: "apps", Resource: "replicasets"}, "to say why an object is not rolled out", true, "list")...)
	known := map[cluster.Right]bool{}
	return slices.DeleteFunc(append(needed, optional...), func(n platform.Need) bool {
		again := known[n.Right]
		known[n.Right] = true
		return again
	})
}

// rightOn returns a right on the objects of a kind, without its verb. Of a kind that the
// cluster does not have or does not report, it has the resource that kinds have by convention.
func rightOn(ctx context.Context, kinds *cluster.Objects, kind schema.GroupVersionKind) cluster.Right {
	of, err := kinds.RightOn(ctx, kind)
	if err != nil {
		resource, _ := meta.UnsafeGuessKindToResource(kind)
		return cluster.Right{Group: resource.Group, Resource: resource.Resource}
	}
	return of
}
