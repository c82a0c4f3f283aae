package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/bounded"
)

// DigestFor returns the digest of the image or index that a reference refers to now. It
// normally takes one request.
func (c *Client) DigestFor(ctx context.Context, reference name.Reference) (digest v1.Hash, err error) {
	err = c.retry(ctx, func() error {
		descriptor, err := remote.Head(reference, c.options(ctx)...)
		if err == nil {
			digest = descriptor.Digest
			return nil
		}
		if code := Status(err); code != 0 && !refusesHead(err) && code != http.StatusBadRequest || isTemporary(err) {
			return err
		}
		// The registry does not support HEAD, or sends no digest with it.
		manifest, err := remote.Get(reference, c.options(ctx)...)
		if err == nil {
			digest = manifest.Digest
		}
		return err
	})
	return digest, err
}

// Puller reads manifests and blobs by their digests, and verifies them. It gets the
// credentials for a repository on the first request to it. It is safe for concurrent use.
type Puller struct {
	client *Client

	mu     sync.Mutex
	puller *remote.Puller
}

// Puller returns a Puller that has no credentials yet.
func (c *Client) Puller() *Puller { return &Puller{client: c} }

// Manifest returns the bytes of a manifest.
func (p *Puller) Manifest(ctx context.Context, reference name.Digest) (text []byte, err error) {
	err = p.do(ctx, func(puller *remote.Puller) error {
		descriptor, err := puller.Get(ctx, reference)
		if err == nil {
			text = descriptor.Manifest
		}
		return err
	})
	return text, err
}

// Blob returns the bytes of a small blob, such as a configuration. It reads at most 4 MiB.
func (p *Puller) Blob(ctx context.Context, reference name.Digest) (text []byte, err error) {
	err = p.Read(ctx, reference, maxManifest, func(r io.Reader) (err error) {
		text, err = io.ReadAll(r)
		return err
	})
	return text, err
}

// Read calls read with the content of a blob of at most size bytes. It calls read again for each
// attempt. Reading a longer blob fails with a *BlobSizeError.
func (p *Puller) Read(ctx context.Context, reference name.Digest, size int64, read func(io.Reader) error) error {
	return p.do(ctx, func(puller *remote.Puller) error {
		stream, err := openBlob(ctx, puller, reference, size)
		if err != nil {
			return err
		}
		defer stream.Close()
		return read(stream)
	})
}

// do calls f, and retries it after temporary errors. It replaces the remote.Puller after an
// error, because a remote.Puller caches a failure to get credentials for ever.
func (p *Puller) do(ctx context.Context, f func(*remote.Puller) error) error {
	return p.client.retry(ctx, func() error {
		puller, err := p.current(ctx)
		if err == nil {
			err = f(puller)
		}
		if err != nil {
			p.drop(puller)
		}
		return err
	})
}

// current returns the remote.Puller, and makes one if there is none.
func (p *Puller) current(ctx context.Context) (_ *remote.Puller, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.puller == nil {
		p.puller, err = remote.NewPuller(p.client.options(ctx)...)
	}
	return p.puller, err
}

// drop forgets a remote.Puller, unless it has already been replaced.
func (p *Puller) drop(puller *remote.Puller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.puller == puller {
		p.puller = nil
	}
}

// OpenBlob opens a blob of at most size bytes for reading, as Puller.Read does. It does not retry.
func (c *Client) OpenBlob(ctx context.Context, reference name.Digest, size int64) (io.ReadCloser, error) {
	puller, err := remote.NewPuller(c.options(ctx)...)
	if err != nil {
		return nil, err
	}
	return openBlob(ctx, puller, reference, size)
}

// openBlob opens a blob for reading. The stream verifies the digest at its end, which need not come:
// so it also ends after size bytes.
func openBlob(ctx context.Context, puller *remote.Puller, reference name.Digest, size int64) (io.ReadCloser, error) {
	layer, err := puller.Layer(ctx, reference)
	if err != nil {
		return nil, err
	}
	stream, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{bounded.NewReader(stream, max(size, 0), &BlobSizeError{reference, size}), stream}, nil
}

// BlobSizeError reports that a registry sends more of a blob than its manifest says that it has, or
// more than a configuration has.
type BlobSizeError struct {
	Blob name.Digest
	Size int64 // in bytes
}

// Error implements error.
func (e *BlobSizeError) Error() string {
	return fmt.Sprintf("the registry sends more than the %d bytes that %s may have: the image is damaged, or a proxy changes it", e.Size, e.Blob)
}
