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

// MemoryLimit is the size in bytes up to which a blob is made in memory before it is
// uploaded. That saves a round trip, and the registry can say that it already has the blob.
const MemoryLimit = 8 << 20

// Blob is a blob whose digest and size are known before it is uploaded.
type Blob struct {
	Digest v1.Hash
	Size   int64
	// Expected is the size in bytes that the repository's Meter expects.
	Expected int64
	// From is a repository of the same registry that may have the blob, or empty.
	From string
	// Open opens the content. It is called again for each attempt.
	Open func() (io.ReadCloser, error)
}

// Upload uploads a blob. The request that begins the upload mounts the blob from another
// repository if possible. Otherwise a second request sends the content.
func (r *Repository) Upload(ctx context.Context, b Blob) error {
	return r.client.retry(ctx, func() error {
		from := b.From
		if r.damaged.has(b.Digest) {
			from = "" // a mount would keep the damaged copy
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

// Stream is a blob that is made while it is uploaded.
type Stream struct {
	// Expected is the approximate size in bytes, which the repository's Meter expects.
	Expected int64
	// Write writes the content. It is called again for each attempt. If it fails,
	// UploadStream returns a *ContentError without another attempt.
	Write func(context.Context, io.Writer) (digest v1.Hash, size int64, err error)
	// Dir is where a large blob is stored for a registry that needs to know its size first.
	Dir string
}

// UploadStream uploads a blob while it is made, in constant memory. Only then is it known
// whether the repository already has the blob.
func (r *Repository) UploadStream(ctx context.Context, m Stream) error {
	if m.Expected <= MemoryLimit {
		var b bytes.Buffer
		digest, size, err := m.Write(ctx, &b)
		if err != nil {
			return &ContentError{err}
		}
		return r.uploadStream(ctx, m, digest, size, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	}
	if !r.refusesStreams.Load() {
		err := r.stream(ctx, m)
		if !refusesStreams(err) {
			return err
		}
		r.refusesStreams.Store(true)
	}
	return r.spool(ctx, m)
}

// uploadStream uploads a blob that has been made.
func (r *Repository) uploadStream(ctx context.Context, m Stream, digest v1.Hash, size int64, open func() (io.ReadCloser, error)) error {
	return r.Upload(ctx, Blob{Digest: digest, Size: size, Expected: m.Expected, From: r.Name.RepositoryStr(), Open: open})
}

// stream uploads a blob while it is made.
func (r *Repository) stream(ctx context.Context, m Stream) error {
	return r.client.retry(ctx, func() error {
		to, err := r.wire.begin(ctx, v1.Hash{}, "")
		if err != nil {
			return err
		}
		return r.streamTo(ctx, m, to)
	})
}

// streamTo uploads a blob while it is made, in one attempt.
func (r *Repository) streamTo(ctx context.Context, m Stream, to *url.URL) error {
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
	// Unblock the writer if the registry stopped reading early.
	_ = reader.CloseWithError(errUnread)
	blob := <-result
	if blob.err != nil && !errors.Is(blob.err, errUnread) {
		err = &ContentError{blob.err} // the reason that the request was interrupted
	}
	if err == nil && blob.err != nil {
		err = io.ErrUnexpectedEOF // the registry responded before it had received everything
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

var errUnread = errors.New("the registry stopped reading the upload")

// ContentError reports that the content of a blob could not be made, which is not an error
// of the registry.
type ContentError struct{ Err error }

// Error implements error.
func (e *ContentError) Error() string { return e.Err.Error() }

// Unwrap returns the error of Stream.Write.
func (e *ContentError) Unwrap() error { return e.Err }

// refusesStreams reports whether a registry needs to know the size of a blob first.
func refusesStreams(err error) bool {
	switch Status(err) {
	case http.StatusMethodNotAllowed, http.StatusLengthRequired, http.StatusNotImplemented, http.StatusUnsupportedMediaType,
		http.StatusNotFound, http.StatusBadRequest, http.StatusRequestedRangeNotSatisfiable, http.StatusRequestEntityTooLarge:
		return true
	}
	return false
}

// spool writes a blob to a temporary file and uploads it from there, for a registry that
// refuses streams.
func (r *Repository) spool(ctx context.Context, m Stream) error {
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
		return &ContentError{err}
	}
	return r.uploadStream(ctx, m, digest, size, func() (io.ReadCloser, error) { return os.Open(file.Name()) })
}

// Reserved is an upload that was begun before its content was known.
type Reserved struct {
	repository *Repository
	to         *url.URL
}

// Reserve begins an upload, so that Finish needs only one request.
func (r *Repository) Reserve(ctx context.Context) (*Reserved, error) {
	reserved := &Reserved{repository: r}
	err := r.client.retry(ctx, func() (err error) {
		reserved.to, err = r.wire.begin(ctx, v1.Hash{}, "")
		return err
	})
	return reserved, err
}

// Finish uploads a small blob. If the upload has expired, Finish begins a new one.
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

// countedReader reports to the meter what is read of a blob. Reads fail once ctx is done. A
// connection may continue to read for a moment after the registry has responded; bytes read
// after stop are not counted.
type countedReader struct {
	io.Reader
	ctx     context.Context
	meter   *Meter
	n       atomic.Int64
	stopped atomic.Bool
}

// Read implements io.Reader.
func (r *countedReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.Reader.Read(b)
	if !r.stopped.Load() {
		r.n.Add(int64(n))
		r.meter.countSent(int64(n))
	}
	return n, err
}

// stop stops counting, and returns the number of bytes read so far.
func (r *countedReader) stop() int64 {
	r.stopped.Store(true)
	return r.n.Load()
}
