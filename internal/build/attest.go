package build

import (
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway-ci/slipway/internal/attestation"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/registry"
)

// defaultBuilder is the builder's id in the provenance of images that are not built by a
// workflow.
const defaultBuilder = "https://github.com/slipway-ci/slipway"

// attester returns a function that makes the attestations of an image: an SBOM of its
// contents, and the provenance of its build. source is the address of the sources.
func attester(p *project.Project, i *config.Image, source string) image.Attester {
	return func(s image.Subject) ([]registry.Artifact, error) {
		known := attestation.Image{
			Repository: s.Repository, Digest: s.Digest, Kind: i.Kind(), Platform: s.Platform, Inputs: s.Inputs, Base: s.Base,
			Sources: s.Sources, Source: source, Version: p.Version, Builder: defaultBuilder, Parameters: kinds[i.Kind()].parameters(i),
		}
		if s.File != nil {
			known.Dockerfile = &attestation.File{Path: s.File.Path, Text: s.File.Text}
		}
		annotations := map[string]string{}
		if r := p.Revision(); r.Clean {
			known.Revision, known.Created = r.Commit, r.Time
			annotations[ocispec.AnnotationRevision], annotations[ocispec.AnnotationCreated] = r.Commit, r.Time.UTC().Format(time.RFC3339)
		}
		for _, one := range s.Variants {
			known.Variants = append(known.Variants, attestation.Variant{Platform: one.Platform, Digest: one.Digest})
		}
		for _, one := range s.Packages {
			known.Packages = append(known.Packages, attestation.Package{Ecosystem: attestation.PyPI, Name: one.Name, Version: one.Version, License: one.License, SHA256: one.SHA256})
		}
		for _, one := range s.System {
			known.Packages = append(known.Packages, attestation.Package{Ecosystem: attestation.Debian + "/" + s.Distribution, Name: one.Name, Version: one.Version, Architecture: one.Architecture, SHA256: one.SHA256})
		}
		known.Packages = append(known.Packages, s.Modules...)
		known.Builder, known.Invocation = builder(p)
		sbom, err := attestation.SBOM(known)
		if err != nil {
			return nil, err
		}
		provenance, err := attestation.Provenance(known)
		if err != nil {
			return nil, err
		}
		return []registry.Artifact{
			{Type: attestation.TypeSBOM, Document: sbom, Annotations: annotations},
			{Type: attestation.TypeProvenance, Document: provenance, Annotations: annotations},
		}, nil
	}
}

// builder returns the id of the builder and the address of the build. They are those of
// the workflow, from the environment variables of GitHub or GitLab, or else slipway and "".
func builder(p *project.Project) (id, invocation string) {
	workflow := project.Workflow(p.Lookup)
	if workflow == "" {
		return defaultBuilder, ""
	}
	return workflow, project.WorkflowRun(p.Lookup)
}
