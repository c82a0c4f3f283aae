package platform

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
)

// InventoryOf returns the inventory of the cluster of slipway.yaml or, if runs go to the
// sandbox, of the running sandbox. It returns nil if there is neither, or if it cannot
// connect. It does not start the sandbox.
func InventoryOf(ctx context.Context, p *project.Project) lint.Inventory {
	switch {
	case p.Config.Cluster != nil:
		to := New(p)
		if err := to.connectCluster(ctx); err != nil {
			p.Note("the resources of the cluster cannot be listed: " + err.Error())
			return nil
		}
		return to.Inventory()
	case p.Config.Polyaxon != nil:
		return nil
	}
	running, err := sandbox.Running(ctx, p.StateDir())
	if err != nil {
		return nil
	}
	secret.LearnAll(p.Secrets, running.Token, running.RegistryToken, running.KubernetesToken)
	connected, err := cluster.Connect(running.Access(), running.Namespace, "sandbox")
	if err != nil {
		return nil
	}
	return &inventory{Project: p, cluster: connected, connections: sandbox.Connections()}
}

// Inventory returns the inventory of the connected cluster.
func (to *Platform) Inventory() lint.Inventory {
	return &inventory{Project: to.Project, cluster: to.Cluster}
}

// inventory is the lint.Inventory of a cluster. It requests each Secret by name and lists
// each other kind once.
type inventory struct {
	*project.Project
	cluster *cluster.Cluster
	// connections are the names of the sandbox's connections, because the sandbox has no
	// ConfigMap with them. It is nil for another cluster.
	connections []string

	mu      sync.Mutex
	listed  map[lint.Kind]list
	secrets map[string]bool
	// secretsUnknown reports whether a request for a Secret has failed. Then all Secrets
	// count as existing.
	secretsUnknown bool
}

// list is the names of the objects of a kind. known reports whether the list is complete.
type list struct {
	names []string
	known bool
}

// Has implements lint.Inventory.
func (i *inventory) Has(ctx context.Context, kind lint.Kind, name string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if kind == lint.Secret {
		return i.hasSecret(ctx, name)
	}
	all := i.list(ctx, kind)
	return !all.known || slices.Contains(all.names, name)
}

// Names implements lint.Inventory. Of the Secrets, it returns only those of slipway.yaml.
func (i *inventory) Names(ctx context.Context, kind lint.Kind) []string {
	if kind == lint.Secret {
		return slices.Sorted(maps.Keys(i.Config.Secrets))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.list(ctx, kind).names
}

// hasSecret requests a Secret by name, because few users have the permission to list
// Secrets. Secrets of slipway.yaml count as existing, because deploy syncs them first.
func (i *inventory) hasSecret(ctx context.Context, name string) bool {
	if i.Config.Secrets[name] != nil {
		return true
	}
	if has, asked := i.secrets[name]; asked || i.secretsUnknown {
		return has || i.secretsUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, optionalTimeout)
	defer cancel()
	has, err := i.cluster.HasSecret(ctx, name)
	if err != nil {
		i.secretsUnknown = true
		i.Note(fmt.Sprintf("it is unknown whether the secrets that runs name exist: %v", err))
		return true
	}
	if i.secrets == nil {
		i.secrets = map[string]bool{}
	}
	i.secrets[name] = has
	return has
}

// list returns the objects of a kind. It sends one request per kind and caches the
// answer.
func (i *inventory) list(ctx context.Context, kind lint.Kind) list {
	if all, asked := i.listed[kind]; asked {
		return all
	}
	ctx, cancel := context.WithTimeout(ctx, optionalTimeout)
	defer cancel()
	names, known, err := i.fetchNames(ctx, kind)
	if err != nil {
		i.Note(fmt.Sprintf("the %ss of the cluster cannot be listed: %v", kind, err))
	}
	if i.listed == nil {
		i.listed = map[lint.Kind]list{}
	}
	i.listed[kind] = list{names, known && err == nil}
	return i.listed[kind]
}

// fetchNames requests the names of the objects of a kind. known is false if they cannot be
// known.
func (i *inventory) fetchNames(ctx context.Context, kind lint.Kind) (names []string, known bool, err error) {
	resource := map[lint.Kind]string{lint.ConfigMap: "configmaps", lint.VolumeClaim: "persistentvolumeclaims"}[kind]
	switch {
	case kind == lint.Connection && i.connections != nil:
		return i.connections, true, nil
	case kind == lint.Connection:
		return i.cluster.AgentConnections(ctx)
	case kind == lint.VolumeClaim && i.connections != nil:
		return nil, false, nil // the sandbox has no PersistentVolumeClaims
	}
	names, err = i.cluster.Names(ctx, resource)
	return names, true, err
}
