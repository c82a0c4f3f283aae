package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/panics"
)

// MemoryLimit is how large a blob may be that is made before it is sent. It
// saves a round trip, and lets the registry say that it has the blob already.
const MemoryLimit = 8 << 20

// Blob is one that is known before it is sent.
type Blob struct {
	Digest v1.Hash
	Size   int64
	// Expected is the size that the repository's Meter expects of it.
	Expected int64
	// From is a repository of the same registry that may have it; empty for none.
	From string
	// Open begins to read it, for each attempt anew.
	Open func() (io.ReadCloser, error)
}

// Upload sends a blob: in one request after the one that begins it, which takes it from
// another repository if it can.
func (r *Repository) Upload(ctx context.Context, b Blob) error {
	return r.client.retry(ctx, func() error {
		from := b.From
		if r.damaged.has(b.Digest) {
			from = "" // that would be the same one
		}
		to, err := r.wire.begin(ctx, b.Digest, from)
		if err != nil {
			return err
		}
		if to == nil {
			r.Meter.settle(b.Expected, 0, b.Size)
			return nil
		}
		body, err := b.Open()
		if err != nil {
			return err
		}
		defer body.Close()
		counted := &countedReader{Reader: body, ctx: ctx, meter: r.Meter}
		err = r.wire.finish(ctx, to, b.Digest, counted, b.Size)
		if err != nil {
			r.Meter.settle(0, counted.stop(), 0)
			return err
		}
		r.Meter.settle(b.Expected, counted.stop(), b.Size)
		return nil
	})
}

// Making is a blob that is made while it is sent.
type Making struct {
	// Expected is about how large it is, and what the repository's Meter expects of it.
	Expected int64
	// Write makes it. It is called for each attempt anew, and its error ends them with a
	// *MakingError.
	Write func(context.Context, io.Writer) (digest v1.Hash, size int64, err error)
	// Dir is where a large one is kept for a registry that wants to know its size first.
	Dir string
}

// UploadMade sends a blob while it is made, in constant memory. Whether the repository has
// one of these bytes is known only then.
func (r *Repository) UploadMade(ctx context.Context, m Making) error {
	if m.Expected <= MemoryLimit {
		var b bytes.Buffer
		digest, size, err := m.Write(ctx, &b)
		if err != nil {
			return &MakingError{err}
		}
		return r.uploadMade(ctx, m, digest, size, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	}
	if !r.whole.Load() {
		err := r.stream(ctx, m)
		if !refusesStreams(err) {
			return err
		}
		r.whole.Store(true)
	}
	return r.spool(ctx, m)
}

// uploadMade sends a blob that has been made.
func (r *Repository) uploadMade(ctx context.Context, m Making, digest v1.Hash, size int64, open func() (io.ReadCloser, error)) error {
	return r.Upload(ctx, Blob{Digest: digest, Size: size, Expected: m.Expected, From: r.Name.RepositoryStr(), Open: open})
}

// stream makes a blob while it is sent.
func (r *Repository) stream(ctx context.Context, m Making) error {
	return r.client.retry(ctx, func() error {
		to, err := r.wire.begin(ctx, v1.Hash{}, "")
		if err != nil {
			return err
		}
		return r.streamTo(ctx, m, to)
	})
}

func (r *Repository) streamTo(ctx context.Context, m Making, to *url.URL) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reader, writer := io.Pipe()
	type made struct {
		digest v1.Hash
		size   int64
		err    error
	}
	result := make(chan made, 1)
	makes := func(digest v1.Hash, size int64, err error) {
		_ = writer.CloseWithError(err)
		result <- made{digest, size, err}
	}
	panics.Go(func() { makes(m.Write(ctx, writer)) }, func(err error) { makes(v1.Hash{}, 0, err) })
	counted := &countedReader{Reader: reader, ctx: ctx, meter: r.Meter}
	end, err := r.wire.stream(ctx, to, counted, func() int64 { return counted.n.Load() })
	// Whoever still writes is told that nobody reads any more.
	_ = reader.CloseWithError(errUnread)
	blob := <-result
	if blob.err != nil && !errors.Is(blob.err, errUnread) {
		err = &MakingError{blob.err} // why the request broke off
	}
	if err == nil && blob.err != nil {
		err = io.ErrUnexpectedEOF // the registry answered before it had all
	}
	if err == nil {
		err = r.wire.finish(ctx, end, blob.digest, http.NoBody, 0)
	}
	if err != nil {
		r.Meter.settle(0, counted.stop(), 0)
		return err
	}
	r.Meter.settle(m.Expected, counted.stop(), blob.size)
	return nil
}

var errUnread = errors.New("the registry does not read on")

// MakingError is a blob that cannot be made, which is no fault of the registry's.
type MakingError struct{ error }

// Unwrap returns why.
func (e *MakingError) Unwrap() error { return e.error }

// refusesStreams reports whether a registry wants to know the size first.
func refusesStreams(err error) bool {
	switch Status(err) {
	case http.StatusMethodNotAllowed, http.StatusLengthRequired, http.StatusNotImplemented, http.StatusUnsupportedMediaType,
		http.StatusNotFound, http.StatusBadRequest, http.StatusRequestedRangeNotSatisfiable, http.StatusRequestEntityTooLarge:
		return true
	}
	return false
}

// spool makes a blob in a file first, for a registry that refuses streams.
func (r *Repository) spool(ctx context.Context, m Making) error {
	if err := os.MkdirAll(m.Dir, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(m.Dir, ".part-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	digest, size, err := m.Write(ctx, file)
	if err != nil {
		return &MakingError{err}
	}
	return r.uploadMade(ctx, m, digest, size, func() (io.ReadCloser, error) { return os.Open(file.Name()) })
}

// Reserved is an upload that was begun before what is sent was known.
type Reserved struct {
	repository *Repository
	to         *url.URL
}

// Reserve begins an upload, so that what is sent later need not wait for that.
func (r *Repository) Reserve(ctx context.Context) (*Reserved, error) {
	reserved := &Reserved{repository: r}
	err := r.client.retry(ctx, func() (err error) {
		reserved.to, err = r.wire.begin(ctx, v1.Hash{}, "")
		return err
	})
	return reserved, err
}

// Finish sends a small blob. An upload that was begun long ago may have ended: then it
// begins anew.
func (u *Reserved) Finish(ctx context.Context, text []byte) error {
	r, digest, size := u.repository, DigestOf(text), int64(len(text))
	r.Meter.sent.Add(size)
	if r.wire.finish(ctx, u.to, digest, bytes.NewReader(text), size) == nil {
		return nil
	}
	return r.client.retry(ctx, func() error {
		to, err := r.wire.begin(ctx, v1.Hash{}, "")
		if err != nil {
			return err
		}
		r.Meter.sent.Add(size)
		return r.wire.finish(ctx, to, digest, bytes.NewReader(text), size)
	})
}

// countedReader tells the meter what is read of a blob, to be sent, until ctx ends. A
// connection may read on for a moment after the registry has answered: that no longer
// counts.
type countedReader struct {
	io.Reader
	ctx     context.Context
	meter   *Meter
	n       atomic.Int64
	stopped atomic.Bool
}

func (r *countedReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.Reader.Read(b)
	if !r.stopped.Load() {
		r.n.Add(int64(n))
		r.meter.moving(int64(n))
	}
	return n, err
}

// stop returns what was read until now, and counts no more.
func (r *countedReader) stop() int64 {
	r.stopped.Store(true)
	return r.n.Load()
}
