package image

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/panics"
)

const (
	// uploads is how many layers are packed and sent at once.
	uploads = 6
	// rounds is how often an image is sent to a registry that loses blobs
	// meanwhile.
	rounds = 3

	pullScope = transport.PullScope
	pushScope = transport.PushScope
)

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
	// Changed are the files, packages and settings by which the image differs from the
	// one that was pushed last, in words; nil where that is not known.
	Changed []string
}

// push is one image on its way.
type push struct {
	registry *Registry
	recipe   *Recipe
	wire     *wire
	meter    *meter
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
	// broken are the blobs that the registry has, and not whole.
	broken *broken
	// whole tells that the registry refuses blobs of unknown size.
	whole atomic.Bool
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
func (r *Registry) Push(ctx context.Context, recipe *Recipe, tags []string, progress func(Progress)) (*Pushed, error) {
	p, err := r.open(ctx, recipe, tags, recipe.Attest)
	if err != nil {
		return nil, err
	}
	p.meter.tell = progress
	defer p.meter.end()
	found, err := r.find(ctx, p.wire, recipe)
	if err != nil {
		return nil, err
	}
	pushed := &Pushed{Name: recipe.Name, Tags: p.tags}
	if found != nil && r.Verify {
		if found, err = p.verify(ctx, found); err != nil {
			return nil, err
		}
	}
	if found != nil {
		pushed.Found = true
		pushed.UpToDate, err = p.retag(ctx, found)
		pushed.Reference, pushed.BytesTotal, pushed.Layers = p.wire.repository.Digest(found.digest.String()), found.size, found.count
	} else {
		var a *assembled
		for n := range rounds {
			if a, err = p.send(ctx, n == 0 && !r.Verify); !vanished(err) {
				break
			}
			p.meter.restart()
		}
		if err == nil {
			pushed.Reference, pushed.BytesTotal, pushed.Layers = p.wire.repository.Digest(a.digest.String()), a.size, a.layers
			pushed.Changed = a.changed
		}
	}
	pushed.BytesSent = p.meter.sent.Load()
	if err != nil {
		return nil, err
	}
	return pushed, nil
}

// open connects to the repository of a recipe, to push its image under the tags.
func (r *Registry) open(ctx context.Context, recipe *Recipe, tags []string, attest Attester) (*push, error) {
	repository, err := r.Reference(recipe.Name)
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		if !validTag(tag) {
			return nil, fmt.Errorf("%q cannot be a tag of %s: it may have letters, digits, _, . and -, no . or - in front, and %d characters", tag, repository, maxTag)
		}
	}
	p := &push{registry: r, recipe: recipe, attest: attest, meter: &meter{}, broken: &broken{}}
	p.tags = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(tags), inputsTag(recipe.Inputs)))))
	var others []name.Repository
	if recipe.base != nil && recipe.base.RegistryStr() == repository.RegistryStr() {
		others = append(others, recipe.base.Context())
	}
	p.wire, err = r.dial(ctx, repository, pushScope, others...)
	return p, err
}

// verify asks for all blobs of an image that is there, and gives nil when one of
// them is not. Of an index it asks for all images.
func (p *push) verify(ctx context.Context, found *standing) (*standing, error) {
	for _, child := range found.children {
		there, err := p.registry.look(ctx, p.wire, child.Digest.String())
		if there != nil {
			there, err = p.verify(ctx, there)
		}
		if there == nil {
			return nil, err
		}
	}
	if len(found.children) > 0 {
		return found, nil
	}
	var lacking atomic.Bool
	group, limited := panics.WithContext(ctx)
	group.SetLimit(uploads)
	for _, blob := range append([]v1.Descriptor{found.config}, found.layers...) {
		if len(blob.URLs) > 0 || blob.MediaType == types.OCIRestrictedLayer {
			continue
		}
		group.Go(func() error {
			there, err := p.has(limited, blob.Digest, blob.Size)
			if !there {
				lacking.Store(true)
			}
			return p.registry.explain("ask for "+blob.Digest.String(), p.wire.repository.RegistryStr(), err)
		})
	}
	if err := group.Wait(); err != nil || lacking.Load() {
		return nil, err
	}
	return found, nil
}
