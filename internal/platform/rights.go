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
	n := &needs{}
	to.needSecrets(n)
	to.needPolyaxon(n)
	to.needVolume(n)
	to.needCopies(n)
	to.needBuildKit(n)
	to.needLookups(n)
	to.needNamespace(n)
	return append(n.needed, n.optional...)
}

// needs are rights that a deploy cannot do without, and those that it can.
type needs struct{ needed, optional []Need }

// must adds rights that a deploy cannot do without.
func (n *needs) must(what string, of cluster.Right, verbs ...string) {
	n.needed = append(n.needed, NeedsOf(of, what, false, verbs...)...)
}

// may adds rights that a deploy succeeds without.
func (n *needs) may(what string, of cluster.Right, verbs ...string) {
	n.optional = append(n.optional, NeedsOf(of, what, true, verbs...)...)
}

// core returns a right on a resource of the core group.
func core(resource string) cluster.Right { return cluster.Right{Resource: resource} }

// named returns a right on one object of the core group.
func named(resource, name string) cluster.Right { return cluster.Right{Resource: resource, Name: name} }

// ofPods returns a right on a subresource of pods.
func ofPods(subresource string) cluster.Right {
	return cluster.Right{Resource: "pods", Subresource: subresource}
}

// apps returns a right on a workload.
func apps(resource, name string) cluster.Right {
	return cluster.Right{Group: "apps", Resource: resource, Name: name}
}

// everywhere returns a right on what is in no namespace.
func everywhere(group, resource string) cluster.Right {
	return cluster.Right{Group: group, Resource: resource, Everywhere: true}
}

// bySockets is what the verb get on a stream is for, beside create.
const bySockets = "for WebSockets, where a proxy before the cluster passes no SPDY"

// needSecrets adds what syncing Secrets takes.
func (to *Platform) needSecrets(n *needs) {
	if secretAt(to.Project) == nil {
		return
	}
	for _, name := range secretNames(to.Project) {
		n.must("to sync secrets", named("secrets", name), "get", "create", "patch")
	}
	n.may("to sync secrets with --prune", core("secrets"), "list", "delete")
	if to.Embedded {
		return
	}
	for _, resource := range []string{"deployments", "statefulsets", "daemonsets"} {
		n.may("to restart what uses a changed secret", apps(resource, ""), "list", "patch")
	}
}

// needPolyaxon adds what finding and reaching Polyaxon takes, and reading what its pods say.
func (to *Platform) needPolyaxon(n *needs) {
	if to.Config.Polyaxon == nil && !to.Embedded {
		n.must("to find Polyaxon", core("services"), "list")
		n.must("to reach Polyaxon", core("pods"), "list")
		n.must("to reach Polyaxon", ofPods("portforward"), "create")
		n.may(bySockets, ofPods("portforward"), "get")
	} else {
		n.may("to say why a run waits or failed", core("pods"), "list")
	}
	n.may("to read the lines of runs from their pods", ofPods("log"), "get")
	n.may("to say why a run waits", core("events"), "list")
}

// needVolume adds what creating the claim of the volume takes.
func (to *Platform) needVolume(n *needs) {
	v := to.Config.Volume
	if v == nil || v.Create == nil || to.Embedded {
		return
	}
	const claim, bound = "to create the claim of the volume", "to check that the claim can be bound"
	n.must(claim, named("persistentvolumeclaims", v.Claim), "get")
	n.must(claim, core("persistentvolumeclaims"), "create") // what is created by POST has no name yet
	n.may(bound, everywhere("storage.k8s.io", "storageclasses"), "list")
	n.may(bound, everywhere("", "persistentvolumes"), "list")
}

// needCopies adds what copying data to the volume takes.
func (to *Platform) needCopies(n *needs) {
	if to.Config.Cluster == nil || !copiesToVolume(to.Config) {
		return
	}
	const copies = "to copy data to the volume"
	n.must(copies, core("pods"), "get", "create", "delete")
	n.must(copies, ofPods("exec"), "create")
	n.may(bySockets, ofPods("exec"), "get")
	if v := to.Config.Volume; v != nil && v.Claim != "" && v.Create == nil {
		n.may("to say why the volume cannot be used", named("persistentvolumeclaims", v.Claim), "get")
	}
}

// needBuildKit adds what BuildKit in the cluster takes.
func (to *Platform) needBuildKit(n *needs) {
	cfg := to.Config
	if to.Embedded || cfg.Cluster == nil || !cfg.NeedsBuildKit() {
		return
	}
	const build = "to build Dockerfiles in the cluster, without another BuildKit"
	n.may(build, apps("deployments", dockerfile.ObjectName), "get", "create", "patch")
	n.may(build, named("persistentvolumeclaims", dockerfile.ObjectName), "get", "create", "patch")
	if !cfg.Cluster.CreateNamespace {
		n.may(build, named("namespaces", to.RunNamespace), "get")
	}
	if cfg.Polyaxon != nil {
		n.may(build, ofPods("portforward"), "create")
		n.may(bySockets, ofPods("portforward"), "get")
	}
}

// needLookups adds what it takes to find out, before anything is built, whether runs can start.
func (to *Platform) needLookups(n *needs) {
	const exist, fit = "to check that they exist before a run starts", "to check that a run can start"
	n.may(exist, core("configmaps"), "list")
	if to.Embedded {
		return
	}
	if secretAt(to.Project) == nil {
		n.may(exist, core("secrets"), "get")
	}
	n.may(exist, core("persistentvolumeclaims"), "list")
	n.may(exist, core("serviceaccounts"), "list")
	n.may(fit, core("resourcequotas"), "list")
	n.may(fit, core("limitranges"), "list")
	n.may(fit, everywhere("", "nodes"), "list")
	n.may(exist, everywhere("scheduling.k8s.io", "priorityclasses"), "list")
}

// needNamespace adds what creating the namespace takes.
func (to *Platform) needNamespace(n *needs) {
	if cfg := to.Config; cfg.Cluster != nil && cfg.Cluster.CreateNamespace {
		n.must("to create the namespace", cluster.Right{Resource: "namespaces", Name: to.RunNamespace, Everywhere: true}, "get", "create", "patch")
	}
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
