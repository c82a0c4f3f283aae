package image

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
)

// maxAttempts is how often an image is sent to a registry that loses blobs during the push.
const maxAttempts = 3

// Pushed is a complete image in the registry.
type Pushed struct {
	Name string
	// Reference is the image by digest.
	Reference name.Digest
	Tags      []string
	// Found reports whether the registry already had the image, and UpToDate whether it
	// also had all tags.
	Found, UpToDate bool
	// BytesSent is the number of bytes sent: blobs and manifests, including failed
	// attempts.
	BytesSent int64
	// BytesTotal is the size of the image in bytes.
	BytesTotal int64
	Layers     int
	// Steps is the number of steps that the builder had, and Cached how many of them were
	// cached. They are 0 for builders without steps.
	Steps, Cached int
	// Changed describes the files, packages and settings that differ from the image that
	// was pushed last. It is nil if that is not known.
	Changed []string
}

// push is the push of one image.
type push struct {
	registry *registry.Client
	to       *registry.Repository
	recipe   *Recipe
	// attest returns what to attach to the image. It may be nil.
	attest Attester
	// tags are all tags for the image, without duplicates. An image of an index has none.
	tags []string
	// last is what the registry has of the image that was pushed last.
	last *lastImage
	// described is what the image is made of.
	described description
	// copied are the layers of the base that were sent while they were read.
	copied copiedLayers
	// common are the layers that the images of an index share, or nil for a single image.
	common *common
}

// Push pushes the image of a recipe, under the tags and the tag of its inputs. If the
// registry has an image of these inputs, Push writes only those tags that do not point to
// it yet. Otherwise it skips layers that the registry has, and packs the others while they
// are sent, several at once, in constant memory. The manifest is written last, under each
// tag, so that no tag ever points to an incomplete image. If the registry loses a blob
// during the push, the blob is sent again. Push can be repeated after any failure, and then
// sends only what is missing. It returns early when ctx is done.
//
// The images of an index are pushed concurrently, by digest. Layers that they share are
// sent once, and the tags point to the index.
//
// progress, if not nil, is never called from two goroutines at once, nor after Push has
// returned. If a file changes while it is read, Push returns a *ChangedError.
func Push(ctx context.Context, to *registry.Client, recipe *Recipe, tags []string, progress func(registry.Progress)) (*Pushed, error) {
	p, err := open(ctx, to, recipe, tags, recipe.Attest)
	if err != nil {
		return nil, err
	}
	p.to.Meter.Start(progress)
	defer p.to.Meter.Stop()
	found, err := findByInputs(ctx, p.to, recipe)
	if err != nil {
		return nil, err
	}
	pushed := &Pushed{Name: recipe.Name}
	if found != nil && to.Verify {
		if found, err = p.verify(ctx, found); err != nil {
			return nil, err
		}
	}
	if found != nil {
		pushed.Found = true
		pushed.UpToDate, err = p.retag(ctx, found)
		pushed.Reference, pushed.BytesTotal, pushed.Layers = p.to.Name.Digest(found.Digest.String()), found.Size, found.Count
	} else {
		var a *assembled
		for n := range maxAttempts {
			if a, err = p.send(ctx, n == 0 && !to.Verify); !registry.BlobLost(err) {
				break
			}
			p.to.Meter.Restart()
		}
		if err == nil {
			pushed.Reference, pushed.BytesTotal, pushed.Layers = p.to.Name.Digest(a.Digest.String()), a.Size, a.Count
			pushed.Changed = a.changed
		}
	}
	pushed.Tags, pushed.BytesSent = p.tags, p.to.Meter.Sent()
	if err != nil {
		return nil, err
	}
	return pushed, nil
}

// open opens the repository of a recipe, to push its image under the tags.
func open(ctx context.Context, to *registry.Client, recipe *Recipe, tags []string, attest Attester) (*push, error) {
	repository, err := to.Reference(recipe.Name)
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		if err := registry.CheckTag(tag, repository.String()); err != nil {
			return nil, err
		}
	}
	p := &push{registry: to, recipe: recipe, attest: attest}
	p.tags = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(tags), inputsTag(recipe.Inputs)))))
	var others []name.Repository
	if recipe.base.in(repository.Registry) != "" {
		others = append(others, recipe.base.at.Context())
	}
	if p.to, err = to.Open(ctx, repository, registry.Push, others...); err != nil {
		return nil, err
	}
	p.to.OnDamaged = func(digest v1.Hash, has, want int64) {
		recipe.spec.Notify(Warning, "image %s: the registry has only %d of the %d bytes of %s; uploading it again", recipe.Name, has, want, digest)
	}
	return p, nil
}

// confirmTags drops the tags that are not true any more. It must be called after the files
// of the image have been read, and before anything that names the commit is written.
func (p *push) confirmTags(ctx context.Context) {
	if p.recipe.spec.ConfirmTags != nil {
		p.tags = p.recipe.spec.ConfirmTags(ctx, p.tags)
	}
}

// verify asks the registry for all blobs of an image, or of all images of an index. It
// returns nil if one of them is missing.
func (p *push) verify(ctx context.Context, found *remoteImage) (*remoteImage, error) {
	whole, err := p.isComplete(ctx, found.Manifest)
	if err != nil || !whole {
		return nil, err
	}
	return found, nil
}

// isComplete reports whether the registry has all blobs of an image, or of all images of an
// index. It ignores layers that registries do not distribute.
func (p *push) isComplete(ctx context.Context, m *registry.Manifest) (bool, error) {
	for _, child := range m.Children {
		there, err := p.to.Manifest(ctx, child.Digest.String())
		if err != nil || there == nil {
			return false, err
		}
		if whole, err := p.isComplete(ctx, there); err != nil || !whole {
			return false, err
		}
	}
	if len(m.Children) > 0 {
		return true, nil
	}
	var lacking atomic.Bool
	group, limited := panics.WithContext(ctx)
	group.SetLimit(registry.Parallel)
	for _, blob := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if len(blob.URLs) > 0 || blob.MediaType == types.OCIRestrictedLayer {
			continue
		}
		group.Go(func() error {
			there, err := p.to.Has(limited, blob.Digest, blob.Size)
			if !there {
				lacking.Store(true)
			}
			return p.to.Explain("look up "+blob.Digest.String(), err)
		})
	}
	err := group.Wait()
	return err == nil && !lacking.Load(), err
}
