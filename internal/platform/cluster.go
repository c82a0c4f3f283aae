package platform

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
)

// connectCluster connects to the cluster of slipway.yaml, or to the sandbox's if
// slipway.yaml has none. It sends no request to the cluster.
func (to *Platform) connectCluster(ctx context.Context) error {
	if to.Config.Cluster == nil {
		connected, err := cluster.Connect(to.Sandbox.Access(), to.RunNamespace, "sandbox")
		to.Cluster = connected
		return err
	}
	access, err := to.Access(ctx)
	if err != nil {
		return err
	}
	to.Rest, to.Cluster, to.RunNamespace = access.Config, access.Cluster, access.Cluster.Namespace
	return nil
}

// CheckNamespace returns a *source.Error if the cluster's namespace does not exist, so
// that a typo does not put secrets into another namespace. If slipway.yaml sets
// create-namespace, it sets NamespaceToCreate instead.
func (to *Platform) CheckNamespace(ctx context.Context) error {
	if to.Config.Cluster == nil {
		return nil
	}
	err := to.Cluster.CheckNamespace(ctx)
	none := new(cluster.NoNamespaceError)
	switch {
	case !errors.As(err, &none):
		return err
	case to.Config.Cluster.CreateNamespace:
		to.NamespaceToCreate = none.Namespace
		return nil
	}
	return to.NoNamespace(none)
}

// NoNamespace returns the *source.Error for a namespace that does not exist.
func (to *Platform) NoNamespace(none *cluster.NoNamespaceError) error {
	at := to.Config.At("cluster")
	if to.Config.Cluster.Namespace != "" {
		at = to.Config.At("cluster", "namespace")
	}
	return &source.Error{Position: at, Message: none.Error(), Hint: "correct cluster.namespace, or set create-namespace: true there to have it created", Err: none}
}

// Pods returns the cluster in which the pods of runs are, or nil without access to it.
// The sandbox has no pods.
func (to *Platform) Pods() run.Cluster {
	if to.Embedded || to.Rest == nil || to.Cluster == nil {
		return nil
	}
	return to.Cluster
}
