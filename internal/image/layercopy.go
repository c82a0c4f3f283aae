package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/layout"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
)

// noCopy is a layerCopier that copies nothing.
func noCopy(context.Context, int, func(io.Reader) error) (bool, error) { return false, nil }

// copiedLayers is the set of layers of a base in another registry that were sent while they
// were read, so that each is fetched only once.
type copiedLayers struct {
	mu     sync.Mutex
	layers map[v1.Hash]bool
}

// add adds a layer.
func (p *copiedLayers) add(digest v1.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.layers == nil {
		p.layers = map[v1.Hash]bool{}
	}
	p.layers[digest] = true
}

// has reports whether a layer was sent.
func (p *copiedLayers) has(digest v1.Hash) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.layers[digest]
}

// copyThrough returns a layerCopier that copies layers of a base to the repository of the push.
func (p *push) copyThrough(parent *base) layerCopier {
	return func(ctx context.Context, n int, read func(io.Reader) error) (bool, error) {
		l := parent.layers[n]
		if p.last.blobs[l.Digest] || parent.found.in(p.to.Name.Registry) != "" {
			return false, nil
		}
		there, err := p.to.Has(ctx, l.Digest, l.Size)
		if err == nil && !there {
			p.to.Meter.Expect(l.Size)
			var held error
			seen := false
			err = p.to.Upload(ctx, registry.Blob{Digest: l.Digest, Size: l.Size, Expected: l.Size, Open: func() (io.ReadCloser, error) {
				stream, err := p.baseLayer(ctx, parent, n)
				if err != nil {
					return nil, err
				}
				seen = true
				return newTee(stream, func(r io.Reader) { held = read(r) }, func(err error) { held = err }), nil
			}})
			if err == nil {
				err = held
			}
			if err == nil {
				p.copied.add(l.Digest)
				return seen, nil
			}
		}
		return false, p.explainBaseLayer(parent, l.Digest, err)
	}
}

// baseLayer opens a layer of the base.
func (p *push) baseLayer(ctx context.Context, parent *base, n int) (io.ReadCloser, error) {
	return parent.store.open(ctx, parent.layers[n])
}

func (p *push) explainBaseLayer(parent *base, digest v1.Hash, err error) error {
	if errors.As(err, new(*layout.Error)) {
		return parent.store.explain(err)
	}
	return p.to.Explain(fmt.Sprintf("copy the base's layer %s to %s", digest, p.to.Name), err)
}

// tee is a stream that a second reader reads at the same pace.
type tee struct {
	io.Reader
	stream io.Closer
	writer *io.PipeWriter
	done   chan struct{}
}

var errUnread = errors.New("reading the layer stopped")

// newTee calls read in a goroutine with everything that is read from the stream. If read
// panics, newTee calls failed with the panic. Either call has returned when Close returns.
func newTee(stream io.ReadCloser, read func(io.Reader), failed func(error)) *tee {
	reader, writer := io.Pipe()
	t := &tee{io.TeeReader(stream, writer), stream, writer, make(chan struct{})}
	end := func() {
		_ = reader.CloseWithError(errUnread)
		close(t.done)
	}
	panics.Go(func() { read(reader); end() }, func(err error) { failed(err); end() })
	return t
}

// Close ends the stream of the second reader and waits until it has read everything.
func (t *tee) Close() error {
	_ = t.writer.Close()
	<-t.done
	return t.stream.Close()
}
