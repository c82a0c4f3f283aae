package project

import "github.com/slipway-ci/slipway/internal/polyaxonfile/schema"

// SandboxRelease returns the release of Polyaxon that slipway.yaml selects for the
// sandbox, or "" for the newest.
func (p *Project) SandboxRelease() string {
	if p.Config.Sandbox == nil {
		return ""
	}
	return p.Config.Sandbox.Polyaxon
}

// SandboxVersion returns SandboxRelease as the version to compile operations for.
func (p *Project) SandboxVersion() schema.Version {
	if version, err := schema.ParseVersion(p.SandboxRelease()); err == nil && !version.Any() {
		return version
	}
	return schema.Newest()
}

// Namespace returns the namespace that slipway.yaml configures for the cluster, or else
// polyaxon-v1, the namespace of the guide.
func (p *Project) Namespace() string {
	if p.Config.Cluster != nil && p.Config.Cluster.Namespace != "" {
		return p.Config.Cluster.Namespace
	}
	return "polyaxon-v1"
}
