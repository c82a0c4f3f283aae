package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/rootfs"
)

// send sends what the registry lacks, and then the manifest. If trustRegistry, it assumes that
// the registry has the layers of the image that was pushed last.
func (p *push) send(ctx context.Context, trustRegistry bool) (*assembled, error) {
	if len(p.recipe.parts) > 0 {
		return p.sendIndex(ctx, trustRegistry)
	}
	// If the push fails, the next one does not send again what has arrived.
	defer func() { _ = p.recipe.ledger.save() }() // the next push works without it
	p.last = &lastImage{}
	if trustRegistry {
		var err error
		if p.last, err = lastPushed(ctx, p.to, p.recipe); err != nil {
			return nil, err
		}
	}
	var configuration *registry.Reserved
	var parent *base
	var own []builtLayer
	group, limited := panics.WithContext(ctx)
	// Begin the upload now, so that the configuration need not wait for it.
	group.Go(func() (err error) {
		configuration, err = p.to.Reserve(limited)
		return p.explainConfiguration(err)
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
	a, err := assemble(ctx, p.recipe, parent, own)
	if err != nil {
		return nil, err
	}
	p.confirmTags(ctx)
	a.changed = p.described.changed
	if err := p.explainConfiguration(configuration.Finish(ctx, a.config)); err != nil {
		return nil, err
	}
	if err := p.attach(ctx, a, p.recipe.spec.platform.String()); err != nil {
		return nil, err
	}
	if err := p.to.CheckRepaired(ctx); err != nil {
		return nil, err
	}
	tagged, limited := panics.WithContext(ctx)
	tagged.Go(func() error { return p.putManifests(limited, a) })
	tagged.Go(func() error { return p.putLastPushed(limited, a, p.described.encoded) })
	if err := tagged.Wait(); err != nil {
		return nil, err
	}
	for _, l := range own {
		p.recipe.ledger.add(l.content.fingerprint, l.facts)
	}
	return a, nil
}

// layers sends the base's layers and the image's own, and describes the image meanwhile.
func (p *push) layers(ctx context.Context) (*base, []builtLayer, error) {
	parent, err := openBase(ctx, p.recipe.spec, p.registry, p.recipe.base)
	if err != nil {
		return nil, nil, err
	}
	limit, files, err := p.recipe.layerLimits(parent)
	if err != nil {
		return nil, nil, err
	}
	if parent.found != nil {
		parent.read = func(ctx context.Context) (*rootfs.FS, error) {
			return readFS(ctx, p.recipe.spec, parent, p.copyThrough(parent))
		}
	}
	parent.useFacts(p.recipe.spec, p.last.base)
	contents, err := placeOn(ctx, p.recipe.contents, parent, files)
	if err != nil {
		return nil, nil, err
	}
	var system, below, above []*builtLayer
	group, limited := panics.WithContext(ctx)
	group.SetLimit(registry.Parallel)
	group.Go(func() error {
		early := &early{}
		contents, err := p.recipe.pythonLayers(limited, parent, p.last, limit, func(c *content) {
			p.to.Meter.Expect(c.bytes)
			early.add(p.start(limited, group, c))
		})
		if err != nil {
			return err
		}
		below = p.contents(limited, group, contents, early)
		group.Go(func() (err error) {
			p.described, err = describe(p.recipe.ingredients(), p.last.ingredients())
			return err
		})
		return p.copyBase(limited, parent)
	})
	system = p.contents(limited, group, p.recipe.systemLayers(parent), &early{})
	above = p.contents(limited, group, contents, &early{})
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var own []builtLayer
	for _, m := range slices.Concat(system, below, above) {
		own = append(own, *m)
	}
	return parent, own, nil
}

// early are layers that are sent before all layers are known, by fingerprint.
type early struct {
	mu     sync.Mutex
	layers map[string]*builtLayer
}

// add adds a layer.
func (e *early) add(m *builtLayer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.layers == nil {
		e.layers = map[string]*builtLayer{}
	}
	e.layers[m.content.fingerprint] = m
}

// contents starts sending layers in a group, except for those that are already being sent.
func (p *push) contents(ctx context.Context, group *panics.Group, contents []*content, begun *early) []*builtLayer {
	for _, c := range contents {
		if begun.layers[c.fingerprint] == nil {
			p.to.Meter.Expect(c.bytes)
		}
	}
	own := make([]*builtLayer, len(contents))
	for n, c := range contents {
		if own[n] = begun.layers[c.fingerprint]; own[n] == nil {
			own[n] = p.start(ctx, group, c)
		}
	}
	return own
}

// start starts sending a layer in a group. Its facts are known when the group has ended.
func (p *push) start(ctx context.Context, group *panics.Group, c *content) *builtLayer {
	if had, ok := p.last.facts[c.fingerprint]; ok {
		p.to.Meter.Found(c.bytes, had.Size)
		return &builtLayer{had, c}
	}
	m := &builtLayer{content: c}
	group.Go(func() (err error) {
		var had *facts
		if f, ok := p.recipe.ledger.lookup(c.fingerprint); ok {
			had = &f
		}
		m.facts, err = p.common.once(ctx, c.fingerprint, func() (facts, error) { return p.content(ctx, c, had) }, func(f facts) { p.to.Meter.Found(c.bytes, f.Size) })
		if err == nil {
			p.recipe.ledger.add(c.fingerprint, m.facts)
		}
		return err
	})
	return m
}

// copyBase copies the base's layers into the repository, except for those that the last
// image has. The registry mounts a layer if it also holds the base. All others are sent.
func (p *push) copyBase(ctx context.Context, parent *base) error {
	group, limited := panics.WithContext(ctx)
	group.SetLimit(registry.Parallel)
	for n, l := range parent.layers {
		if p.last.blobs[l.Digest] || p.copied.has(l.Digest) || len(l.URLs) > 0 || l.MediaType == types.OCIRestrictedLayer {
			continue
		}
		p.to.Meter.Expect(l.Size)
		group.Go(func() error {
			return p.explainBaseLayer(parent, l.Digest, p.copyLayer(limited, parent, n))
		})
	}
	return group.Wait()
}

// copyLayer copies the nth layer of the base into the repository.
func (p *push) copyLayer(ctx context.Context, parent *base, n int) error {
	l := parent.layers[n]
	from := parent.found.in(p.to.Name.Registry)
	there, err := p.to.Has(ctx, l.Digest, l.Size)
	if err != nil {
		return err
	}
	if there {
		p.to.Meter.Found(l.Size, l.Size)
		return nil
	}
	return p.to.Upload(ctx, registry.Blob{
		Digest: l.Digest, Size: l.Size, Expected: l.Size, From: from,
		Open: func() (io.ReadCloser, error) { return p.baseLayer(ctx, parent, n) },
	})
}

// content sends a layer, unless the registry has it, and returns its facts. had, if not
// nil, are the facts that are already known.
func (p *push) content(ctx context.Context, c *content, had *facts) (facts, error) {
	explain := func(err error) error {
		if making := new(registry.ContentError); errors.As(err, &making) {
			return making.Unwrap()
		}
		return p.to.Explain(fmt.Sprintf("upload the %s of %s", c.description, p.to.Name), err)
	}
	if had != nil {
		there, err := p.to.Has(ctx, had.Digest, had.Size)
		if err != nil || there {
			p.to.Meter.Found(c.bytes, had.Size)
			return *had, explain(err)
		}
	}
	var f facts
	err := p.to.UploadStream(ctx, registry.Stream{
		Expected: c.bytes, Dir: cacheDir(p.recipe.spec.Dir),
		Write: func(ctx context.Context, to io.Writer) (_ v1.Hash, _ int64, err error) {
			f, err = c.pack(ctx, to)
			return f.Digest, f.Size, err
		},
	})
	return f, explain(err)
}

func (p *push) explainConfiguration(err error) error {
	return p.to.Explain("upload the configuration of "+p.to.Name.String(), err)
}
