package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
)

// memoryLimit is how large a content may be that is packed before it is sent. It
// saves a round trip, and lets the registry say that it has the blob already.
const memoryLimit = 8 << 20

// content sends a layer, unless the registry has it, and gives its facts. What is
// known of it already may be nil.
func (p *push) content(ctx context.Context, c *content, had *facts) (facts, error) {
	explain := func(err error) error {
		if errors.As(err, new(*source.Error)) {
			return err // of what is packed, and none of the registry's
		}
		return p.registry.explain(fmt.Sprintf("send the %s of %s", c.what, p.wire.repository), p.wire.repository.RegistryStr(), err)
	}
	if had != nil {
		there, err := p.has(ctx, had.Digest, had.Size)
		if err != nil || there {
			p.meter.settle(c.bytes, 0, had.Size)
			return *had, explain(err)
		}
	}
	if c.bytes <= memoryLimit {
		var b bytes.Buffer
		f, err := c.pack(ctx, &b)
		if err != nil {
			return f, err
		}
		return f, explain(p.blob(ctx, f.Digest, f.Size, c.bytes, p.wire.repository.RepositoryStr(), func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(b.Bytes())), nil
		}))
	}
	if !p.whole.Load() {
		f, err := p.stream(ctx, c)
		if !refusesStreams(err) {
			return f, explain(err)
		}
		p.whole.Store(true)
	}
	f, err := p.spool(ctx, c)
	return f, explain(err)
}

// blob sends a blob that is known: in one request after the one that begins it,
// which takes it from another repository if it can. planned is what the meter
// expects of it.
func (p *push) blob(ctx context.Context, digest v1.Hash, size, planned int64, from string, open func() (io.ReadCloser, error)) error {
	return p.registry.retry(ctx, func() error {
		if p.broken.has(digest) {
			from = "" // that would be the same one
		}
		to, err := p.wire.begin(ctx, digest, from)
		if err != nil {
			return err
		}
		if to == nil {
			p.meter.settle(planned, 0, size)
			return nil
		}
		body, err := open()
		if err != nil {
			return err
		}
		defer body.Close()
		counted := &countedReader{Reader: &contextReader{ctx, body}, meter: p.meter}
		err = p.wire.finish(ctx, to, digest, counted, size)
		if err != nil {
			p.meter.settle(0, counted.stop(), 0)
			return err
		}
		p.meter.settle(planned, counted.stop(), size)
		return nil
	})
}

// stream packs a layer while it is sent.
func (p *push) stream(ctx context.Context, c *content) (f facts, err error) {
	err = p.registry.retry(ctx, func() error {
		to, err := p.wire.begin(ctx, v1.Hash{}, "")
		if err != nil {
			return err
		}
		f, err = p.streamTo(ctx, c, to)
		return err
	})
	return f, err
}

func (p *push) streamTo(ctx context.Context, c *content, to *url.URL) (facts, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reader, writer := io.Pipe()
	type packed struct {
		facts
		err error
	}
	result := make(chan packed, 1)
	packs := func(f facts, err error) {
		_ = writer.CloseWithError(err)
		result <- packed{f, err}
	}
	panics.Go(func() { packs(c.pack(ctx, writer)) }, func(err error) { packs(facts{}, err) })
	counted := &countedReader{Reader: reader, meter: p.meter}
	end, err := p.wire.stream(ctx, to, counted, func() int64 { return counted.n.Load() })
	// Whoever still writes is told that nobody reads any more.
	_ = reader.CloseWithError(errUnread)
	made := <-result
	if made.err != nil && !errors.Is(made.err, errUnread) {
		err = made.err // why the request broke off
	}
	if err == nil && made.err != nil {
		err = io.ErrUnexpectedEOF // the registry answered before it had all
	}
	if err == nil {
		err = p.wire.finish(ctx, end, made.Digest, http.NoBody, 0)
	}
	if err != nil {
		p.meter.settle(0, counted.stop(), 0)
		return facts{}, err
	}
	p.meter.settle(c.bytes, counted.stop(), made.Size)
	return made.facts, nil
}

var errUnread = errors.New("the registry does not read on")

// refusesStreams tells that a registry wants to know the size first.
func refusesStreams(err error) bool {
	switch status(err) {
	case http.StatusMethodNotAllowed, http.StatusLengthRequired, http.StatusNotImplemented, http.StatusUnsupportedMediaType,
		http.StatusNotFound, http.StatusBadRequest, http.StatusRequestedRangeNotSatisfiable, http.StatusRequestEntityTooLarge:
		return true
	}
	return false
}

// spool packs a layer into a file first, for a registry that refuses streams.
func (p *push) spool(ctx context.Context, c *content) (facts, error) {
	dir := cacheDir(p.recipe.spec.Dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return facts{}, err
	}
	file, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return facts{}, err
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	f, err := c.pack(ctx, file)
	if err != nil {
		return f, err
	}
	return f, p.blob(ctx, f.Digest, f.Size, c.bytes, p.wire.repository.RepositoryStr(), func() (io.ReadCloser, error) { return os.Open(file.Name()) })
}

// countedReader tells the meter what is read of a blob, to be sent. A connection
// may read on for a moment after the registry has answered: that no longer counts.
type countedReader struct {
	io.Reader
	meter   *meter
	n       atomic.Int64
	stopped atomic.Bool
}

func (r *countedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if !r.stopped.Load() {
		r.n.Add(int64(n))
		r.meter.moving(int64(n))
	}
	return n, err
}

// stop gives what was read until now, and counts no more.
func (r *countedReader) stop() int64 {
	r.stopped.Store(true)
	return r.n.Load()
}
