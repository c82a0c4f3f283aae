package image

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/layout"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/source"
)

// baseStore is where the documents and layers of a base are. It verifies their digests.
type baseStore interface {
	// manifest returns an index or a manifest.
	manifest(ctx context.Context, digest v1.Hash) ([]byte, error)
	// blob returns a small blob, such as a configuration.
	blob(ctx context.Context, digest v1.Hash) ([]byte, error)
	// read calls read with the content of a layer. It calls read again for each attempt.
	read(ctx context.Context, layer v1.Descriptor, read func(io.Reader) error) error
	// open opens a layer. It does not retry.
	open(ctx context.Context, layer v1.Descriptor) (io.ReadCloser, error)
	// explain explains why the base cannot be read. It returns nil if err is nil.
	explain(err error) error
}

// newBaseStore returns the store of a base that was found.
func newBaseStore(s Spec, r *registry.Client, found *foundBase) baseStore {
	if found.disk != nil {
		return diskStore{s, found.disk}
	}
	t := remoteStore{spec: s, client: r, found: found, puller: r.Puller(), cache: openBaseCache(s), layers: s.Bases}
	if to, err := r.Reference(s.Name); err == nil && found.in(to.Registry) != "" {
		t.layers = blobcache.Cache{} // the registry mounts them, and without it nothing can be pushed
	}
	return t
}

// remoteStore is the store of a base in a registry.
type remoteStore struct {
	spec   Spec
	client *registry.Client
	found  *foundBase
	puller *registry.Puller
	cache  baseCache
	layers blobcache.Cache
}

func (t remoteStore) manifest(ctx context.Context, digest v1.Hash) ([]byte, error) {
	return t.cache.blob(digest, func() ([]byte, error) { return t.puller.Manifest(ctx, t.at(digest)) })
}

func (t remoteStore) blob(ctx context.Context, digest v1.Hash) ([]byte, error) {
	return t.cache.blob(digest, func() ([]byte, error) { return t.puller.Blob(ctx, t.at(digest)) })
}

// at returns the reference of a manifest or a blob.
func (t remoteStore) at(digest v1.Hash) name.Digest {
	return t.found.at.Context().Digest(digest.String())
}

// read implements baseStore. A layer that is kept on this machine needs no request.
func (t remoteStore) read(ctx context.Context, layer v1.Descriptor, read func(io.Reader) error) error {
	if cached, err := t.layers.Open(layer.Digest); err == nil {
		err = errors.Join(read(cached), cached.Close())
		if !errors.Is(err, blobcache.ErrDamaged) {
			return err
		}
	}
	return t.puller.Read(ctx, t.at(layer.Digest), layer.Size, func(body io.Reader) error {
		kept := t.layers.Keep(io.NopCloser(body), layer.Digest, layer.Size)
		return errors.Join(read(kept), kept.Close())
	})
}

func (t remoteStore) open(ctx context.Context, layer v1.Descriptor) (io.ReadCloser, error) {
	if cached, err := t.layers.Open(layer.Digest); err == nil {
		return cached, nil
	}
	body, err := t.client.OpenBlob(ctx, t.at(layer.Digest), layer.Size)
	if err != nil {
		return nil, err
	}
	return t.layers.Keep(body, layer.Digest, layer.Size), nil
}

func (t remoteStore) explain(err error) error {
	return explainBase(t.spec, t.client, t.found.at, err)
}

// diskStore is the store of a base in a layout or an archive on disk.
type diskStore struct {
	spec Spec
	disk *layout.Layout
}

func (t diskStore) manifest(_ context.Context, digest v1.Hash) ([]byte, error) {
	return t.disk.Document(digest)
}

func (t diskStore) blob(_ context.Context, digest v1.Hash) ([]byte, error) {
	return t.disk.Document(digest)
}

func (t diskStore) read(ctx context.Context, layer v1.Descriptor, read func(io.Reader) error) error {
	stream, err := t.open(ctx, layer)
	if err != nil {
		return err
	}
	defer stream.Close()
	return read(stream)
}

func (t diskStore) open(_ context.Context, layer v1.Descriptor) (io.ReadCloser, error) {
	stream, err := t.disk.Blob(layer.Digest, layer.Size)
	if err != nil {
		return nil, &registry.ContentError{Err: err}
	}
	return diskStream{stream}, nil
}

// diskStream is a stream whose errors are not the registry's, so that nothing is sent again.
type diskStream struct{ io.ReadCloser }

// Read implements io.Reader.
func (s diskStream) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &registry.ContentError{Err: err}
	}
	return n, err
}

func (t diskStore) explain(err error) error { return explainDisk(t.spec, err) }

// explainDisk explains, with the position of the base in slipway.yaml, why a base on disk cannot be
// read. It returns nil if err is nil.
func explainDisk(s Spec, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &source.Error{Position: s.positionOf(s.Base), Message: fmt.Sprintf("image %s: the base %s: %v", s.Name, s.Base, err), Err: err}
	if wrong := new(layout.Error); errors.As(err, &wrong) { // without the request that it ended
		e.Message, e.Hint = fmt.Sprintf("image %s: the base %s %v", s.Name, s.Base, wrong), wrong.Hint
	}
	return e
}
