package project

import "github.com/slipway-ci/slipway/internal/polyaxonfile/schema"

// SandboxRelease returns the release of Polyaxon that slipway.yaml wants the sandbox to be,
// "" for the newest.
func (p *Project) SandboxRelease() string {
	if p.Config.Sandbox == nil {
		return ""
	}
	return p.Config.Sandbox.Polyaxon
}

// SandboxVersion returns SandboxRelease as a version to compile as.
func (p *Project) SandboxVersion() schema.Version {
	if version, err := schema.ParseVersion(p.SandboxRelease()); err == nil && !version.Any() {
		return version
	}
	return schema.Newest()
}

// Namespace returns that of the configured cluster, and the guide's for the sandbox.
func (p *Project) Namespace() string {
	if p.Config.Cluster != nil && p.Config.Cluster.Namespace != "" {
		return p.Config.Cluster.Namespace
	}
	return "polyaxon-v1"
}
