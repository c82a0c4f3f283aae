package platform

import (
	"context"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"

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
	return &Inventory{Project: p, cluster: connected, sandboxed: true}
}

// Inventory returns the inventory of the connected cluster.
func (to *Platform) Inventory() *Inventory {
	return &Inventory{Project: to.Project, cluster: to.Cluster, sandboxed: to.Embedded}
}

// Inventory is the lint.Inventory of a cluster. It requests each Secret by name, because
// few users have the permission to list Secrets, and lists each other kind once. What
// deploy creates counts as existing. What cannot be asked may exist.
type Inventory struct {
	*project.Project
	cluster *cluster.Cluster
	// sandboxed reports whether the cluster is the sandbox's, which has Secrets, ConfigMaps
	// and connections, and no other kind.
	sandboxed bool

	mu      sync.Mutex
	lookups map[string]*lookup
	// loading is set while Load asks. It reports failures itself.
	loading bool
	// secretFailed reports whether a request for a Secret has failed, and unanswered whether
	// one did without an answer. Then no other Secret is requested.
	secretFailed, unanswered bool
}

// Has implements lint.Inventory.
func (i *Inventory) Has(ctx context.Context, kind lint.Kind, name string) bool {
	if i.creates(kind, name) {
		return true
	}
	if kind == lint.Secret {
		return i.secret(ctx, name, false).has(name)
	}
	return i.list(ctx, kind).has(name)
}

// Names implements lint.Inventory. Of the Secrets, it returns only those of slipway.yaml.
func (i *Inventory) Names(ctx context.Context, kind lint.Kind) []string {
	if kind == lint.Secret {
		return slices.Sorted(maps.Keys(i.Config.Secrets))
	}
	return i.list(ctx, kind).names
}

// HasKey implements lint.Inventory.
func (i *Inventory) HasKey(ctx context.Context, kind lint.Kind, name, key string) bool {
	if kind == lint.Secret && slices.Contains(i.ownKeys(name), key) {
		return true
	}
	found := i.keysOf(ctx, kind, name)
	if kind == lint.ConfigMap && found.known && found.keys[name] == nil {
		return true // it does not exist, which Has reports
	}
	return !found.known || slices.Contains(found.keys[name], key)
}

// Keys implements lint.Inventory. Other keys of a Secret of slipway.yaml stay when it is
// synced, so they are among them.
func (i *Inventory) Keys(ctx context.Context, kind lint.Kind, name string) []string {
	keys := slices.Clone(i.keysOf(ctx, kind, name).keys[name])
	if kind == lint.Secret {
		keys = append(keys, i.ownKeys(name)...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Unusable implements lint.Inventory. A claim that deploy looks after is left to its step,
// which waits for it.
func (i *Inventory) Unusable(ctx context.Context, kind lint.Kind, name string) string {
	if kind != lint.VolumeClaim || i.creates(kind, name) {
		return ""
	}
	return i.list(ctx, kind).unusable[name]
}

func (i *Inventory) keysOf(ctx context.Context, kind lint.Kind, name string) *lookup {
	if kind == lint.Secret {
		return i.secret(ctx, name, true)
	}
	return i.list(ctx, kind)
}

// creates reports whether deploy creates an object before the runs start, or whether
// Kubernetes creates it in every namespace.
func (i *Inventory) creates(kind lint.Kind, name string) bool {
	switch kind {
	case lint.Secret:
		return i.ownKeys(name) != nil
	case lint.VolumeClaim:
		v := i.Config.Volume
		return v != nil && v.Create != nil && v.Claim == name
	case lint.ServiceAccount:
		return name == "default"
	case lint.ConfigMap:
		return name == "kube-root-ca.crt"
	}
	return false
}

// ownKeys returns the keys of a Secret that deploy writes, or nil for another Secret.
func (i *Inventory) ownKeys(name string) []string {
	if own := i.Config.Secrets[name]; own != nil {
		switch {
		case own.DockerRegistry != nil:
			return []string{corev1.DockerConfigJsonKey}
		case own.TLS != nil:
			return []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey}
		case own.BasicAuth != nil:
			return []string{corev1.BasicAuthPasswordKey, corev1.BasicAuthUsernameKey}
		}
		return append([]string{}, slices.Sorted(maps.Keys(own.Data))...)
	}
	if m := i.Config.MLflow; m != nil && m.Password != "" && name == i.MLflowSecret() {
		return []string{project.MLflowKey}
	}
	if i.MLflowHasToken() && name == i.MLflowSecret() {
		return []string{project.MLflowToken}
	}
	for _, j := range append(i.Jobs(), i.Services()...) {
		if sources := i.SecretParams(j); len(sources) > 0 && name == i.ParamSecret(j) {
			return slices.Sorted(maps.Keys(sources))
		}
	}
	return nil
}
