package image

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/registry"
)

// Planned is what a push would find or make.
type Planned struct {
	// Reference is the image by digest, or the zero value if only building can determine
	// it.
	Reference name.Digest
	// UpToDate reports whether the registry has an image of these inputs. MissingTags are
	// then the tags that do not point to it yet.
	UpToDate    bool
	MissingTags []string
	// Size is the number of bytes that a pull transfers.
	Size   int64
	Layers int
	// Changed is as in Pushed.
	Changed []string
}

// Plan returns what Push would make of a recipe with these tags, and uploads nothing. Layers
// that are not known are packed to determine their digests.
func Plan(ctx context.Context, to *registry.Client, recipe *Recipe, tags []string) (*Planned, error) {
	repository, err := to.Reference(recipe.Name)
	if err != nil {
		return nil, err
	}
	at, err := to.Open(ctx, repository, registry.Pull)
	if err != nil {
		return nil, err
	}
	found, err := findByInputs(ctx, at, recipe)
	if err != nil {
		return nil, err
	}
	if found != nil {
		planned := &Planned{Reference: repository.Digest(found.Digest.String()), UpToDate: true, Size: found.Size, Layers: found.Count}
		planned.MissingTags, err = missingTags(ctx, at, found.Digest, tags)
		return planned, err
	}
	a, err := assembleDry(ctx, to, at, recipe)
	if err != nil {
		return nil, err
	}
	return &Planned{Reference: repository.Digest(a.Digest.String()), Size: a.Size, Layers: a.Count, Changed: a.changed}, nil
}

// MissingTags returns those of tags that do not point to an image in the registry.
func MissingTags(ctx context.Context, to *registry.Client, image name.Digest, tags []string) ([]string, error) {
	digest, err := v1.NewHash(image.DigestStr())
	if err != nil {
		return nil, err
	}
	at, err := to.Open(ctx, image.Context(), registry.Pull)
	if err != nil {
		return nil, err
	}
	return missingTags(ctx, at, digest, tags)
}

// assembleDry assembles an image without uploading anything.
func assembleDry(ctx context.Context, to *registry.Client, at *registry.Repository, recipe *Recipe) (*assembled, error) {
	if len(recipe.parts) > 0 {
		parts := make([]*assembled, len(recipe.parts))
		for n, part := range recipe.parts {
			var err error
			if parts[n], err = assembleDry(ctx, to, at, part); err != nil {
				return nil, err
			}
		}
		return assembleIndex(recipe, parts)
	}
	last, err := lastPushed(ctx, at, recipe)
	if err != nil {
		return nil, err
	}
	parent, err := openBase(ctx, recipe.spec, to, recipe.base)
	if err != nil {
		return nil, err
	}
	limit, files, err := recipe.layerLimits(parent)
	if err != nil {
		return nil, err
	}
	parent.useFacts(recipe.spec, last.base)
	below, err := recipe.pythonLayers(ctx, parent, last, limit, nil)
	if err != nil {
		return nil, err
	}
	below = append(recipe.systemLayers(parent), below...)
	above, err := placeOn(ctx, recipe.contents, parent, files)
	if err != nil {
		return nil, err
	}
	own, err := recipe.measure(ctx, append(below, above...), last)
	if err != nil {
		return nil, err
	}
	a, err := assemble(ctx, recipe, parent, own)
	if err != nil {
		return nil, err
	}
	if old := last.ingredients(); old != nil {
		a.changed = recipe.ingredients().since(*old)
	}
	return a, nil
}
