package platform

import (
	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// Need is a right that slipway uses in the cluster of slipway.yaml.
type Need struct {
	cluster.Right
	// For says what slipway does with it.
	For string
	// Optional reports whether a deploy succeeds without it.
	Optional bool
}

// NeedsOf returns a need for each verb.
func NeedsOf(of cluster.Right, what string, optional bool, verbs ...string) []Need {
	all := make([]Need, len(verbs))
	for i, verb := range verbs {
		of.Verb = verb
		all[i] = Need{Right: of, For: what, Optional: optional}
	}
	return all
}

// Needs returns the rights that slipway uses for this repository, those that a deploy needs
// first.
func (to *Platform) Needs() []Need {
	var needed, optional []Need
	need := func(what string, of cluster.Right, verbs ...string) {
		needed = append(needed, NeedsOf(of, what, false, verbs...)...)
	}
	use := func(what string, of cluster.Right, verbs ...string) {
		optional = append(optional, NeedsOf(of, what, true, verbs...)...)
	}
	core := func(resource string) cluster.Right { return cluster.Right{Resource: resource} }
	sub := func(resource, subresource string) cluster.Right {
		return cluster.Right{Resource: resource, Subresource: subresource}
	}
	everywhere := func(group, resource string) cluster.Right {
		return cluster.Right{Group: group, Resource: resource, Everywhere: true}
	}
	const bySockets = "for WebSockets, where a proxy before the cluster passes no SPDY"
	cfg, secrets, inCluster := to.Config, secretAt(to.Project) != nil, !to.Embedded
	if secrets {
		for _, name := range secretNames(to.Project) {
			need("to sync secrets", cluster.Right{Resource: "secrets", Name: name}, "get", "create", "patch")
		}
		use("to sync secrets with --prune", core("secrets"), "list", "delete")
	}
	if secrets && inCluster {
		for _, resource := range []string{"deployments", "statefulsets", "daemonsets"} {
			use("to restart what uses a changed secret", cluster.Right{Group: "apps", Resource: resource}, "list", "patch")
		}
	}
	if cfg.Polyaxon == nil && inCluster {
		need("to find Polyaxon", core("services"), "list")
		need("to reach Polyaxon", core("pods"), "list")
		need("to reach Polyaxon", sub("pods", "portforward"), "create")
	} else {
		use("to say why a run waits or failed", core("pods"), "list")
	}
	if cfg.Polyaxon == nil && inCluster {
		use(bySockets, sub("pods", "portforward"), "get")
	}
	use("to read the lines of runs from their pods", sub("pods", "log"), "get")
	use("to say why a run waits", core("events"), "list")
	if v := cfg.Volume; v != nil && v.Create != nil && inCluster {
		need("to create the claim of the volume", cluster.Right{Resource: "persistentvolumeclaims", Name: v.Claim}, "get")
		need("to create the claim of the volume", core("persistentvolumeclaims"), "create") // what is created by POST has no name yet
		use("to check that the claim can be bound", everywhere("storage.k8s.io", "storageclasses"), "list")
		use("to check that the claim can be bound", everywhere("", "persistentvolumes"), "list")
	}
	if cfg.Cluster != nil && copiesToVolume(cfg) {
		const copies = "to copy data to the volume"
		need(copies, core("pods"), "get", "create", "delete")
		need(copies, sub("pods", "exec"), "create")
		use(bySockets, sub("pods", "exec"), "get")
		if v := cfg.Volume; v != nil && v.Claim != "" && v.Create == nil {
			use("to say why the volume cannot be used", cluster.Right{Resource: "persistentvolumeclaims", Name: v.Claim}, "get")
		}
	}
	if inCluster && cfg.Cluster != nil && cfg.NeedsBuildKit() {
		const build = "to build Dockerfiles in the cluster, without another BuildKit"
		use(build, cluster.Right{Group: "apps", Resource: "deployments", Name: dockerfile.ObjectName}, "get", "create", "patch")
		use(build, cluster.Right{Resource: "persistentvolumeclaims", Name: dockerfile.ObjectName}, "get", "create", "patch")
		if !cfg.Cluster.CreateNamespace {
			use(build, cluster.Right{Resource: "namespaces", Name: to.RunNamespace}, "get")
		}
		if cfg.Polyaxon != nil {
			use(build, sub("pods", "portforward"), "create")
			use(bySockets, sub("pods", "portforward"), "get")
		}
	}
	const exist, fit = "to check that they exist before a run starts", "to check that a run can start"
	use(exist, core("configmaps"), "list")
	if inCluster {
		if !secrets {
			use(exist, core("secrets"), "get")
		}
		use(exist, core("persistentvolumeclaims"), "list")
		use(exist, core("serviceaccounts"), "list")
		use(fit, core("resourcequotas"), "list")
		use(fit, core("limitranges"), "list")
		use(fit, everywhere("", "nodes"), "list")
		use(exist, everywhere("scheduling.k8s.io", "priorityclasses"), "list")
	}
	if cfg.Cluster != nil && cfg.Cluster.CreateNamespace {
		need("to create the namespace", cluster.Right{Resource: "namespaces", Name: to.RunNamespace, Everywhere: true}, "get", "create", "patch")
	}
	return append(needed, optional...)
}

// copiesToVolume reports whether deploy copies data to the persistent volume.
func copiesToVolume(cfg *config.Config) bool {
	for _, set := range cfg.Data {
		if transfer.InVolume(set.To) {
			return true
		}
	}
	return false
}

// secretNames returns the names of the Secrets that a deploy writes.
func secretNames(p *project.Project) []string {
	var names []string
	for _, s := range p.SecretList() {
		names = append(names, s.Name)
	}
	for _, j := range append(p.Jobs(), p.Services()...) {
		if len(p.SecretParams(j)) > 0 {
			names = append(names, p.ParamSecret(j))
		}
	}
	if m := p.Config.MLflow; m != nil && m.Password != "" {
		names = append(names, p.MLflowSecret())
	}
	return names
}
