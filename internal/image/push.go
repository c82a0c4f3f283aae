package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
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
	// common are the layers that images of an index share; nil for one of its own.
	common *common
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
		if !ValidTag(tag) {
			return nil, fmt.Errorf("%q cannot be a tag of %s: it may have letters, digits, _, . and -, no . or - in front, and %d characters", tag, repository, maxTag)
		}
	}
	p := &push{registry: r, recipe: recipe, attest: attest, meter: &meter{}}
	p.tags = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(tags), InputsTag(recipe.Inputs)))))
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
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, blob := range append([]v1.Descriptor{found.config}, found.layers...) {
		if len(blob.URLs) > 0 || blob.MediaType == types.OCIRestrictedLayer {
			continue
		}
		group.Go(func() error {
			there, err := p.has(limited, blob.Digest)
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

// retag points the tags to an image that is there, and tells whether they all did.
// All are asked for before the first is written: docker-registry cannot read a
// manifest while it is written again.
func (p *push) retag(ctx context.Context, found *standing) (bool, error) {
	there := make([]bool, len(p.tags))
	asking, limited := errgroup.WithContext(ctx)
	asking.SetLimit(uploads)
	for n, tag := range p.tags {
		if tag == InputsTag(p.recipe.Inputs) {
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
	writing, limited := errgroup.WithContext(ctx)
	writing.SetLimit(uploads)
	for n, tag := range p.tags {
		if !there[n] {
			writing.Go(func() error { return p.tag(limited, tag, found.mediaType, found.text, found.digest) })
		}
	}
	return !slices.Contains(there, false), writing.Wait()
}

// send sends what the registry lacks, and then the manifest. It takes the
// registry's word for the layers of the image that was pushed last, unless that
// has turned out to be wrong.
func (p *push) send(ctx context.Context, believing bool) (*assembled, error) {
	if len(p.recipe.parts) > 0 {
		return p.sendIndex(ctx, believing)
	}
	// A push that fails is repeated without what has arrived.
	defer func() { _ = p.recipe.ledger.save() }() // the next one does without it
	p.last = &previous{}
	if believing {
		var err error
		if p.last, err = p.registry.previous(ctx, p.wire, p.recipe); err != nil {
			return nil, err
		}
	}
	var to *url.URL
	var parent *base
	var own []made
	group, limited := errgroup.WithContext(ctx)
	group.Go(func() (err error) { // now, so that the configuration need not wait for it
		to, err = p.begin(limited)
		return err
	})
	group.Go(func() (err error) {
		parent, own, err = p.layers(limited)
		return err
	})
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	a, err := assemble(p.recipe, parent, own)
	if err != nil {
		return nil, err
	}
	if err := p.configuration(ctx, to, a); err != nil {
		return nil, err
	}
	if err := p.attach(ctx, a, p.recipe.spec.platform.String()); err != nil {
		return nil, err
	}
	tagged, limited := errgroup.WithContext(ctx)
	tagged.Go(func() error { return p.manifests(limited, a) })
	tagged.Go(func() error { return p.remember(limited, a) })
	if err := tagged.Wait(); err != nil {
		return nil, err
	}
	for _, l := range own {
		p.recipe.ledger.add(l.content.fingerprint, l.facts)
	}
	return a, nil
}

// layers sends the base's layers and the image's own. Files need not wait for the
// base; requirements do, for its version of Python.
func (p *push) layers(ctx context.Context) (*base, []made, error) {
	var parent *base
	var below []made
	above := make([]made, len(p.recipe.contents))
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	group.Go(func() (err error) {
		if parent, err = openBase(limited, p.recipe.spec, p.registry, p.recipe.base); err != nil {
			return err
		}
		contents, err := p.recipe.requirements(limited, parent, p.last)
		if err != nil {
			return err
		}
		below = make([]made, len(contents))
		p.contents(limited, group, contents, below)
		return p.copyBase(limited, parent)
	})
	p.contents(limited, group, p.recipe.contents, above)
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	return parent, append(below, above...), nil
}

// contents has layers sent by a group, and their facts put into own.
func (p *push) contents(ctx context.Context, group *errgroup.Group, contents []*content, own []made) {
	for _, c := range contents {
		p.meter.expect(c.bytes)
	}
	for n, c := range contents {
		if had, ok := p.last.facts[c.fingerprint]; ok {
			own[n] = made{had, c}
			p.meter.settle(c.bytes, 0, had.Size)
			continue
		}
		group.Go(func() (err error) {
			var had *facts
			if f, ok := p.recipe.ledger.known(c.fingerprint); ok {
				had = &f
			}
			f, err := p.common.once(ctx, c.fingerprint, func() (facts, error) { return p.content(ctx, c, had) }, func(f facts) { p.meter.settle(c.bytes, 0, f.Size) })
			own[n] = made{f, c}
			if err == nil {
				p.recipe.ledger.add(c.fingerprint, f)
			}
			return err
		})
	}
}

// copyBase brings the base's layers into the repository: those that the last image
// has are there; the registry takes them from the base's repository if that is one
// of its own; all others are sent.
func (p *push) copyBase(ctx context.Context, parent *base) error {
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for n, l := range parent.layers {
		if p.last.blobs[l.Digest] || len(l.URLs) > 0 || l.MediaType == types.OCIRestrictedLayer {
			continue
		}
		p.meter.expect(l.Size)
		group.Go(func() error {
			err := p.copyLayer(limited, parent, n)
			return p.registry.explain(fmt.Sprintf("send the base's layer %s to %s", l.Digest, p.wire.repository), p.wire.repository.RegistryStr(), err)
		})
	}
	return group.Wait()
}

func (p *push) copyLayer(ctx context.Context, parent *base, n int) error {
	l := parent.layers[n]
	from := ""
	if parent.reference.RegistryStr() == p.wire.repository.RegistryStr() {
		from = parent.reference.Context().RepositoryStr()
	}
	there, err := p.has(ctx, l.Digest)
	if err != nil {
		return err
	}
	if there {
		p.meter.settle(l.Size, 0, l.Size)
		return nil
	}
	return p.blob(ctx, l.Digest, l.Size, l.Size, from, func() (io.ReadCloser, error) {
		layer, err := remote.Layer(parent.reference.Context().Digest(l.Digest.String()), p.registry.options(ctx)...)
		if err != nil {
			return nil, err
		}
		return layer.Compressed()
	})
}

// begin begins the upload of the configuration.
func (p *push) begin(ctx context.Context) (to *url.URL, err error) {
	err = p.registry.retry(ctx, func() error {
		to, err = p.wire.begin(ctx, v1.Hash{}, "")
		return err
	})
	return to, p.registry.explain("send the configuration of "+p.wire.repository.String(), p.wire.repository.RegistryStr(), err)
}

// configuration sends the image's configuration. An upload that was begun long ago
// may have ended: then it begins anew.
func (p *push) configuration(ctx context.Context, to *url.URL, a *assembled) error {
	size := int64(len(a.config))
	p.meter.sent.Add(size)
	if p.wire.finish(ctx, to, a.configDigest, bytes.NewReader(a.config), size) == nil {
		return nil
	}
	err := p.registry.retry(ctx, func() error {
		to, err := p.wire.begin(ctx, v1.Hash{}, "")
		if err != nil {
			return err
		}
		p.meter.sent.Add(size)
		return p.wire.finish(ctx, to, a.configDigest, bytes.NewReader(a.config), size)
	})
	return p.registry.explain("send the configuration of "+p.wire.repository.String(), p.wire.repository.RegistryStr(), err)
}

// manifests writes the manifest under all tags, and by its digest when it has none.
func (p *push) manifests(ctx context.Context, a *assembled) error {
	group, limited := errgroup.WithContext(ctx)
	for _, tag := range p.tags {
		group.Go(func() error { return p.tag(limited, tag, a.mediaType, a.manifest, a.digest) })
	}
	if len(p.tags) == 0 {
		group.Go(func() error { return p.byDigest(limited, a) })
	}
	return group.Wait()
}

// remember makes an image the one that was pushed last for its platform.
func (p *push) remember(ctx context.Context, a *assembled) error {
	err := p.tag(ctx, LayersTag(p.recipe.spec.platform), a.mediaType, a.manifest, a.digest)
	if status(err)/100 == 4 && !vanished(err) {
		return nil // where tags are immutable, builds do without it
	}
	return err
}

// byDigest writes a manifest that gets no tag.
func (p *push) byDigest(ctx context.Context, a *assembled) error {
	err := p.registry.retry(ctx, func() error {
		p.meter.sent.Add(int64(len(a.manifest)))
		return p.wire.putManifest(ctx, a.digest.String(), a.mediaType, a.manifest)
	})
	return p.registry.explain("send "+p.wire.repository.Digest(a.digest.String()).String(), p.wire.repository.RegistryStr(), err)
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
