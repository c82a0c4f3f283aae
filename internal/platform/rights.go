package platform

import "github.com/slipway-ci/slipway/internal/cluster"

// Need is a right that slipway uses in the cluster of slipway.yaml.
type Need struct {
	cluster.Right
	// For says what slipway does with it.
	For string
	// Optional reports whether a deploy succeeds without it.
	Optional bool
}

// Needs returns the rights that slipway uses for this repository, those that a deploy needs
// first.
func (to *Platform) Needs() []Need {
	var needed, optional []Need
	need := func(what, group, resource, subresource string, verbs ...string) {
		for _, verb := range verbs {
			needed = append(needed, Need{Right: cluster.Right{Verb: verb, Group: group, Resource: resource, Subresource: subresource}, For: what})
		}
	}
	useful := func(what, group, resource, subresource string, verbs ...string) {
		for _, verb := range verbs {
			optional = append(optional, Need{Right: cluster.Right{Verb: verb, Group: group, Resource: resource, Subresource: subresource}, For: what, Optional: true})
		}
	}
	everywhere := func(what, group, resource, verb string) {
		optional = append(optional, Need{Right: cluster.Right{Verb: verb, Group: group, Resource: resource, Everywhere: true}, For: what, Optional: true})
	}
	cfg := to.Config
	if secretAt(to.Project) != nil {
		need("to sync secrets", "", "secrets", "", "get", "create", "patch")
		useful("to sync secrets with --prune", "", "secrets", "", "list", "delete")
	}
	if secretAt(to.Project) != nil && !to.Embedded {
		for _, resource := range []string{"deployments", "statefulsets", "daemonsets"} {
			useful("to restart what uses a changed secret", "apps", resource, "", "list", "patch")
		}
	}
	if cfg.Polyaxon == nil && !to.Embedded {
		need("to find Polyaxon", "", "services", "", "list")
		need("to reach Polyaxon", "", "pods", "", "list")
		need("to reach Polyaxon", "", "pods", "portforward", "create")
	} else {
		useful("to say why a run waits or failed", "", "pods", "", "list")
	}
	useful("to read the lines of runs from their pods", "", "pods", "log", "get")
	useful("to say why a run waits", "", "events", "", "list")
	if v := cfg.Volume; v != nil && v.Create != nil && !to.Embedded {
		need("to create the claim of the volume", "", "persistentvolumeclaims", "", "get", "create")
	}
	if v := cfg.Volume; v != nil && v.Create != nil && !to.Embedded {
		everywhere("to check that the claim can be bound", "storage.k8s.io", "storageclasses", "list")
		everywhere("to check that the claim can be bound", "", "persistentvolumes", "list")
	}
	const exist, fit = "to check that they exist before a run starts", "to check that a run can start"
	useful(exist, "", "configmaps", "", "list")
	if !to.Embedded {
		if secretAt(to.Project) == nil {
			useful(exist, "", "secrets", "", "get")
		}
		for _, resource := range []string{"persistentvolumeclaims", "serviceaccounts"} {
			useful(exist, "", resource, "", "list")
		}
		for _, resource := range []string{"resourcequotas", "limitranges"} {
			useful(fit, "", resource, "", "list")
		}
		everywhere(fit, "", "nodes", "list")
		everywhere(exist, "scheduling.k8s.io", "priorityclasses", "list")
	}
	if cfg.Cluster != nil && cfg.Cluster.CreateNamespace {
		for _, verb := range []string{"get", "create", "patch"} {
			needed = append(needed, Need{Right: cluster.Right{Verb: verb, Resource: "namespaces", Everywhere: true}, For: "to create the namespace"})
		}
	}
	return append(needed, optional...)
}
