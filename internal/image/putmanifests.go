package image

import (
	"context"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
)

// putManifests writes the manifest under all tags or, if there are none, by its digest.
func (p *push) putManifests(ctx context.Context, a *assembled) error {
	group, limited := panics.WithContext(ctx)
	for _, tag := range p.tags {
		group.Go(func() error { return p.to.Tag(limited, tag, &a.Manifest) })
	}
	if len(p.tags) == 0 {
		group.Go(func() error { return p.to.Put(limited, &a.Manifest) })
	}
	return group.Wait()
}

// putLastPushed makes an image the one that was pushed last for its platform, and records its
// encoded ingredients.
func (p *push) putLastPushed(ctx context.Context, a *assembled, encoded string) error {
	text, err := withIngredients(a.Text, encoded)
	if err != nil {
		return err
	}
	noted := &registry.Manifest{Text: text, MediaType: a.MediaType, Digest: registry.DigestOf(text)}
	err = p.to.Tag(ctx, layersTag(p.recipe.spec.platform), noted)
	if registry.Status(err)/100 == 4 && !registry.BlobLost(err) {
		return nil // with immutable tags, builds do without it
	}
	return err
}

// retag points the tags to an image that exists, and reports whether they all did already.
// It checks all tags before it writes the first, because docker-registry cannot read a
// manifest while it is being written.
func (p *push) retag(ctx context.Context, found *remoteImage) (bool, error) {
	asked := slices.DeleteFunc(slices.Clone(p.tags), func(tag string) bool {
		return tag == inputsTag(p.recipe.Inputs) // the image was found by this tag
	})
	missing, err := missingTags(ctx, p.to, found.Digest, asked)
	if err != nil || len(missing) == 0 {
		return err == nil, err
	}
	p.confirmTags(ctx)
	missing = slices.DeleteFunc(missing, func(tag string) bool { return !slices.Contains(p.tags, tag) })
	writing, limited := panics.WithContext(ctx)
	writing.SetLimit(registry.Parallel)
	for _, tag := range missing {
		writing.Go(func() error { return p.to.Tag(limited, tag, found.Manifest) })
	}
	return len(missing) == 0, writing.Wait()
}

// missingTags returns those of tags that do not point to an image.
func missingTags(ctx context.Context, at *registry.Repository, image v1.Hash, tags []string) ([]string, error) {
	there := make([]bool, len(tags))
	asking, limited := panics.WithContext(ctx)
	asking.SetLimit(registry.Parallel)
	for n, tag := range tags {
		asking.Go(func() (err error) {
			there[n], err = at.PointsTo(limited, tag, image)
			return err
		})
	}
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	var missing []string
	for n, tag := range tags {
		if !there[n] {
			missing = append(missing, tag)
		}
	}
	return missing, nil
}
