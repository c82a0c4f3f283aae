package image

import (
	"context"
	"fmt"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/attestation"
	"github.com/slipway-ci/slipway/internal/lock"
	"github.com/slipway-ci/slipway/internal/registry"
)

// Attester returns what to attach to an image that is about to be pushed. It is called
// concurrently for the images of an index.
type Attester func(Subject) ([]registry.Artifact, error)

// Subject describes an image before its manifest is sent.
type Subject struct {
	Repository, Digest, Inputs string
	// Platform is the image's platform. It is empty for an index, which has Variants.
	Platform string
	// Variants are the images of an index.
	Variants []Variant
	// Base is the reference of the base image by digest, or empty. Sources are all images
	// that another builder started from.
	Base    string
	Sources []string
	// File is the file that says how the image is made, or nil if slipway.yaml does.
	File *File
	// Packages are Python packages, and Modules the Go modules linked into a program.
	Packages []Package
	Modules  []attestation.Package
	// System are Debian packages, of the distribution Distribution.
	System       []lock.Package
	Distribution string
}

// File is a file of the tree, with its path.
type File struct {
	Path string
	Text []byte
}

// Variant is the image of one platform of an index.
type Variant struct{ Platform, Digest string }

// attach uploads the attestations of the image of a platform, or of an index, for which
// platform is empty. It is called before the manifest is sent, so that a tagged image
// always has its attestations.
func (p *push) attach(ctx context.Context, a *assembled, platform string) error {
	if p.attest == nil {
		return nil
	}
	s := Subject{Repository: p.to.Name.String(), Digest: a.Digest.String(), Inputs: p.recipe.Inputs, Packages: p.recipe.packages, Platform: platform, Variants: a.variants}
	s.Base, s.System, s.Distribution = p.recipe.base.String(), p.recipe.debs(), p.recipe.distribution()
	for _, c := range p.recipe.contents {
		if c.description == programContent {
			if info, err := buildInfo(filepath.Join(c.dir, c.entries[0].file)); err == nil {
				s.Modules = attestation.Modules(info)
			}
		}
	}
	attestations, err := p.attest(s)
	if err != nil {
		return fmt.Errorf("attest image %s: %w", p.recipe.Name, err)
	}
	return p.to.Attach(ctx, v1.Descriptor{MediaType: a.MediaType, Digest: a.Digest, Size: int64(len(a.Text))}, attestations)
}
