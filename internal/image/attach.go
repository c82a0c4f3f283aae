package image

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/registry"
)

// Attester says what is to be attached to an image that is about to be pushed. It is
// called for several images of an index at the same time.
type Attester func(Subject) ([]registry.Artifact, error)

// Subject is what is known of an image before its manifest is sent.
type Subject struct {
	Repository, Digest, Inputs string
	// Platform is the image's; empty for an index, which has Variants.
	Platform string
	// Variants are the images of an index.
	Variants []Variant
	// Base is the base's reference by digest; empty for none. Sources are all that
	// another builder began with.
	Base    string
	Sources []string
	// File is the text that says how the image is made; nil where slipway.yaml does.
	File *File
	// Packages are Python's, Modules those that a Go program was linked of.
	Packages, Modules []Package
}

// File is a text of the tree, with its path.
type File struct {
	Path string
	Text []byte
}

// Variant is the image of one platform of an index.
type Variant struct{ Platform, Digest string }

// attach sends what the attester says of the image of a platform, or of an index,
// which has none. It happens before the manifest is sent: an image that has its
// tags has its attestations.
func (p *push) attach(ctx context.Context, a *assembled, platform string) error {
	if p.attest == nil {
		return nil
	}
	s := Subject{Repository: p.to.Name.String(), Digest: a.Digest.String(), Inputs: p.recipe.Inputs, Packages: p.recipe.packages, Platform: platform, Variants: a.variants}
	if p.recipe.base != nil {
		s.Base = p.recipe.base.String()
	}
	for _, c := range p.recipe.contents {
		if c.what == programContent {
			s.Modules = modules(filepath.Join(c.dir, c.entries[0].file))
		}
	}
	attestations, err := p.attest(s)
	if err != nil {
		return fmt.Errorf("attest image %s: %w", p.recipe.Name, err)
	}
	return p.to.Attach(ctx, v1.Descriptor{MediaType: a.MediaType, Digest: a.Digest, Size: int64(len(a.Text))}, attestations)
}

// modules gives what a Go program says that it was linked of; none when it does not
// say.
func modules(program string) []Package {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil
	}
	var all []Package
	if info.Main.Path != "" {
		version := info.Main.Version
		if version == "(devel)" {
			version = "" // of a tree that is no release
		}
		all = append(all, Package{Name: info.Main.Path, Version: version})
	}
	all = append(all, Package{Name: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, Package{Name: m.Path, Version: m.Version})
	}
	return all
}
