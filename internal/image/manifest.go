package image

import (
	"context"
	"errors"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/panics"
)

// manifests writes the manifest under all tags, and by its digest when it has none.
func (p *push) manifests(ctx context.Context, a *assembled) error {
	group, limited := panics.WithContext(ctx)
	for _, tag := range p.tags {
		group.Go(func() error { return p.tag(limited, tag, a.mediaType, a.manifest, a.digest) })
	}
	if len(p.tags) == 0 {
		group.Go(func() error { return p.byDigest(limited, a) })
	}
	return group.Wait()
}

// byDigest writes a manifest that gets no tag.
func (p *push) byDigest(ctx context.Context, a *assembled) error {
	err := p.registry.retry(ctx, func() error {
		p.meter.sent.Add(int64(len(a.manifest)))
		return p.wire.putManifest(ctx, a.digest.String(), a.mediaType, a.manifest)
	})
	return p.registry.explain("send "+p.wire.repository.Digest(a.digest.String()).String(), p.wire.repository.RegistryStr(), err)
}

// remember makes an image the one that was pushed last for its platform, and notes what
// it is made of, where that is known.
func (p *push) remember(ctx context.Context, a *assembled, made *Ingredients) error {
	manifest, err := noting(a.manifest, made)
	if err != nil {
		return err
	}
	err = p.tag(ctx, layersTag(p.recipe.spec.platform), a.mediaType, manifest, hashOf(manifest))
	if status(err)/100 == 4 && !vanished(err) {
		return nil // where tags are immutable, builds do without it
	}
	return err
}

// tag points a tag to a manifest. A registry that does not let tags move may
// refuse even the digest that the tag has: then it is done.
func (p *push) tag(ctx context.Context, tag string, mediaType types.MediaType, manifest []byte, digest v1.Hash) error {
	err := p.registry.retry(ctx, func() error {
		p.meter.sent.Add(int64(len(manifest)))
		return p.wire.putManifest(ctx, tag, mediaType, manifest)
	})
	what := "tag " + p.wire.repository.Tag(tag).String()
	if err == nil || ctx.Err() != nil || status(err)/100 != 4 || vanished(err) {
		return p.registry.explain(what, p.wire.repository.RegistryStr(), err)
	}
	if there, askErr := p.wire.pointsTo(ctx, tag, digest); askErr == nil && there {
		return nil
	}
	if code := status(err); code == http.StatusBadRequest || code == http.StatusConflict || code == http.StatusMethodNotAllowed {
		err = errors.Join(err, errors.New("the tag may be immutable and stand for another image; choose another tag, or delete it"))
	}
	return p.registry.explain(what, p.wire.repository.RegistryStr(), err)
}

// retag points the tags to an image that is there, and tells whether they all did.
// All are asked for before the first is written: docker-registry cannot read a
// manifest while it is written again.
func (p *push) retag(ctx context.Context, found *standing) (bool, error) {
	there := make([]bool, len(p.tags))
	asking, limited := panics.WithContext(ctx)
	asking.SetLimit(uploads)
	for n, tag := range p.tags {
		if tag == inputsTag(p.recipe.Inputs) {
			there[n] = true // it was found by this one
			continue
		}
		asking.Go(func() error {
			err := p.registry.retry(limited, func() (err error) {
				there[n], err = p.wire.pointsTo(limited, tag, found.digest)
				return err
			})
			return p.registry.explain("ask for "+p.wire.repository.Tag(tag).String(), p.wire.repository.RegistryStr(), err)
		})
	}
	if err := asking.Wait(); err != nil {
		return false, err
	}
	writing, limited := panics.WithContext(ctx)
	writing.SetLimit(uploads)
	for n, tag := range p.tags {
		if !there[n] {
			writing.Go(func() error { return p.tag(limited, tag, found.mediaType, found.text, found.digest) })
		}
	}
	return !slices.Contains(there, false), writing.Wait()
}
