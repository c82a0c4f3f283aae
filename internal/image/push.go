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

// rounds is how often an image is sent to a registry that loses blobs meanwhile.
const rounds = 3

// Pushed is an image that stands in the registry, whole.
type Pushed struct {
	Name string
	// Reference names it by its digest.
	Reference name.Digest
	Tags      []string
	// Found tells that the registry had it; UpToDate, that it had all its tags too.
	Found, UpToDate bool
	// BytesSent counts what was sent: blobs, manifests, and what was sent in vain.
	BytesSent int64
	// BytesTotal is the image's size.
	BytesTotal int64
	Layers     int
	// Steps is how many steps the builder had, and Cached how many of them it had done
	// before; 0 for one that knows no steps.
	Steps, Cached int
	// Changed are the files, packages and settings by which the image differs from the
	// one that was pushed last, in words; nil where that is not known.
	Changed []string
}

// push is one image on its way.
type push struct {
	registry *registry.Client
	to       *registry.Repository
	recipe   *Recipe
	// attest says what is attached; nil for nothing.
	attest Attester
	// tags are all that the image gets, each once; none for one of an index.
	tags []string
	// last is what the registry has of the image that was pushed last.
	last *previous
	// passed are layers of the base that were sent when they were read.
	passed passed
	// common are the layers that images of an index share; nil for one of its own.
	common *common
}

// Push brings the image of a recipe into the registry, under the tags and that
// of its inputs. If the registry has an image of these inputs, only tags are
// written that do not point to it. Otherwise layers that the registry has are left
// as they are; the others are packed while they are sent, several at once, from
// constant memory. The manifest is written last, under each tag, so that no tag
// ever points to something incomplete; a registry that has lost a blob meanwhile
// gets it again. Push can be repeated after any failure, and sends only what is
// missing then. It ends with ctx.
//
// The images of an index are pushed at the same time, each by its digest, layers
// that they share once, and the tags get the index.
//
// progress, when not nil, is called by one goroutine at a time, and not after
// Push has returned. A file that changes while it is read is a *ChangedError.
func Push(ctx context.Context, to *registry.Client, recipe *Recipe, tags []string, progress func(registry.Progress)) (*Pushed, error) {
	p, err := open(ctx, to, recipe, tags, recipe.Attest)
	if err != nil {
		return nil, err
	}
	p.to.Meter.Tell(progress)
	defer p.to.Meter.End()
	found, err := find(ctx, p.to, recipe)
	if err != nil {
		return nil, err
	}
	pushed := &Pushed{Name: recipe.Name, Tags: p.tags}
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
		for n := range rounds {
			if a, err = p.send(ctx, n == 0 && !to.Verify); !registry.Vanished(err) {
				break
			}
			p.to.Meter.Restart()
		}
		if err == nil {
			pushed.Reference, pushed.BytesTotal, pushed.Layers = p.to.Name.Digest(a.Digest.String()), a.Size, a.Count
			pushed.Changed = a.changed
		}
	}
	pushed.BytesSent = p.to.Meter.Sent()
	if err != nil {
		return nil, err
	}
	return pushed, nil
}

// open connects to the repository of a recipe, to push its image under the tags.
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
	if recipe.base != nil && recipe.base.RegistryStr() == repository.RegistryStr() {
		others = append(others, recipe.base.Context())
	}
	if p.to, err = to.Open(ctx, repository, registry.Push, others...); err != nil {
		return nil, err
	}
	p.to.Damaged = func(digest v1.Hash, has, want int64) {
		recipe.spec.Tell(Warning, "image %s: the registry has %d of the %d bytes of %s, which is sent again", recipe.Name, has, want, digest)
	}
	return p, nil
}

// verify asks for all blobs of an image that is there, and gives nil when one of
// them is not. Of an index it asks for all images.
func (p *push) verify(ctx context.Context, found *standing) (*standing, error) {
	whole, err := p.whole(ctx, found.Manifest)
	if err != nil || !whole {
		return nil, err
	}
	return found, nil
}

func (p *push) whole(ctx context.Context, m *registry.Manifest) (bool, error) {
	for _, child := range m.Children {
		there, err := p.to.Look(ctx, child.Digest.String())
		if err != nil || there == nil {
			return false, err
		}
		if whole, err := p.whole(ctx, there); err != nil || !whole {
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
			return p.to.Explain("ask for "+blob.Digest.String(), err)
		})
	}
	err := group.Wait()
	return err == nil && !lacking.Load(), err
}
