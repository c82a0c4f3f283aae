package dockerfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// manifestBytes is the size from which on a blob cannot be a manifest: registries
// take no larger ones (distribution-spec, "Pushing Manifests").
const manifestBytes = 4 << 20

// receive has BuildKit hand over the image and sends it to the registry. BuildKit
// writes to what it takes for a content store; blobs that the registry has are told
// to be there already, and are not sent over either connection.
func (t *target) receive(ctx context.Context, s Spec, solve solver) (v1.Hash, error) {
	store := &registryStore{ctx: ctx, target: t, manifests: map[digest.Digest][]byte{}, sent: map[digest.Digest]bool{}}
	response, err := solve(client.ExportEntry{Type: client.ExporterOCI, Attrs: imageAttributes(s, client.ExporterOCI), OutputStore: store})
	if failure := store.failed(); failure != nil {
		return v1.Hash{}, failure // what BuildKit makes of it says less
	}
	if err != nil {
		return v1.Hash{}, err
	}
	root, err := exported(response)
	if err != nil {
		return v1.Hash{}, err
	}
	return root, store.putManifests(ctx, digest.Digest(root.String()))
}

// registryStore is the part of a content store that BuildKit's exporter uses, with
// the blobs in a registry and the manifests in memory until all blobs are there.
type registryStore struct {
	content.Store // what the exporter does not use, and is not there
	ctx           context.Context
	target        *target

	mu        sync.Mutex
	manifests map[digest.Digest][]byte
	sent      map[digest.Digest]bool
	err       error
}

// Info tells whether the registry has a blob.
func (r *registryStore) Info(_ context.Context, id digest.Digest) (content.Info, error) {
	r.mu.Lock()
	manifest, held := r.manifests[id]
	sent := r.sent[id]
	r.mu.Unlock()
	if held {
		return content.Info{Digest: id, Size: int64(len(manifest))}, nil
	}
	if sent {
		return content.Info{Digest: id}, nil
	}
	reference, err := refOf(r.target, id)
	if err != nil {
		return content.Info{}, err
	}
	layer, err := remote.Layer(reference, r.target.options(r.ctx)...)
	if err != nil {
		return content.Info{}, err
	}
	if there, err := partial.Exists(layer); err != nil || !there {
		return content.Info{}, errdefs.ErrNotFound
	}
	return content.Info{Digest: id}, nil
}

// Abort forgets a blob; what was written of it is removed when it is closed.
func (r *registryStore) Abort(context.Context, string) error { return nil }

// Writer takes a blob, into a file until it is whole: an upload that fails can then
// be repeated.
func (r *registryStore) Writer(_ context.Context, options ...content.WriterOpt) (content.Writer, error) {
	var o content.WriterOpts
	for _, option := range options {
		if err := option(&o); err != nil {
			return nil, err
		}
	}
	if o.Desc.Digest != "" {
		if _, err := r.Info(r.ctx, o.Desc.Digest); err == nil {
			return nil, errdefs.ErrAlreadyExists
		}
	}
	file, err := os.CreateTemp("", "slipway-layer-")
	if err != nil {
		return nil, r.fail(fmt.Errorf("make room for a layer: %w", err))
	}
	return &blobWriter{store: r, ref: o.Ref, descriptor: o.Desc, file: file, hash: sha256.New(), started: time.Now()}, nil
}

func (r *registryStore) fail(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	return err
}

func (r *registryStore) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// putManifests puts a manifest after those that it names.
func (r *registryStore) putManifests(ctx context.Context, root digest.Digest) error {
	text, held := r.manifests[root]
	if !held {
		return fmt.Errorf("BuildKit did not hand over the manifest %s", root)
	}
	var manifest struct {
		MediaType types.MediaType      `json:"mediaType"`
		Manifests []ocispec.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return fmt.Errorf("read the manifest %s: %w", root, err)
	}
	for _, child := range manifest.Manifests {
		if err := r.putManifests(ctx, child.Digest); err != nil {
			return err
		}
	}
	reference, err := refOf(r.target, root)
	if err != nil {
		return err
	}
	if err := remote.Put(reference, rawManifest{text, manifest.MediaType}, r.target.options(ctx)...); err != nil {
		return r.target.explain(ctx, "put the manifest "+root.String(), err)
	}
	return nil
}

// rawManifest is what go-containerregistry puts as it is.
type rawManifest struct {
	text []byte
	kind types.MediaType
}

// RawManifest gives the bytes.
func (m rawManifest) RawManifest() ([]byte, error) { return m.text, nil }

// MediaType gives the type that they name themselves.
func (m rawManifest) MediaType() (types.MediaType, error) { return m.kind, nil }

// blobWriter is one blob on its way.
type blobWriter struct {
	store      *registryStore
	ref        string
	descriptor ocispec.Descriptor
	file       *os.File
	hash       hash.Hash
	size       int64
	started    time.Time
}

func (w *blobWriter) Write(text []byte) (int, error) {
	n, err := w.file.Write(text)
	_, _ = w.hash.Write(text[:n])
	w.size += int64(n)
	if err != nil {
		return n, w.store.fail(fmt.Errorf("keep a layer until it is whole: %w", err))
	}
	return n, nil
}

// Close removes the file. It may be called again.
func (w *blobWriter) Close() error {
	_ = w.file.Close()
	if err := os.Remove(w.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Digest gives that of what has been written.
func (w *blobWriter) Digest() digest.Digest {
	return digest.NewDigestFromEncoded(digest.SHA256, hex.EncodeToString(w.hash.Sum(nil)))
}

// Status gives how much has been written.
func (w *blobWriter) Status() (content.Status, error) {
	return content.Status{Ref: w.ref, Offset: w.size, Total: w.descriptor.Size, Expected: w.descriptor.Digest, StartedAt: w.started, UpdatedAt: time.Now()}, nil
}

// Truncate begins again.
func (w *blobWriter) Truncate(size int64) error {
	if size != 0 {
		return errdefs.ErrNotImplemented
	}
	w.hash.Reset()
	w.size = 0
	if err := w.file.Truncate(0); err != nil {
		return err
	}
	_, err := w.file.Seek(0, io.SeekStart)
	return err
}

// Commit sends the blob to the registry, or keeps it when it is a manifest.
func (w *blobWriter) Commit(_ context.Context, size int64, expected digest.Digest, _ ...content.Opt) error {
	defer w.Close()
	id := w.Digest()
	if expected != "" && expected != id || size > 0 && size != w.size {
		return w.store.fail(fmt.Errorf("a layer arrived damaged from BuildKit: %s, %d bytes, is %s, %d bytes", expected, size, id, w.size))
	}
	if w.size < manifestBytes {
		text, err := os.ReadFile(w.file.Name())
		if err != nil {
			return w.store.fail(fmt.Errorf("read a layer back: %w", err))
		}
		if isManifest(text) {
			w.store.mu.Lock()
			defer w.store.mu.Unlock()
			w.store.manifests[id] = text
			return nil
		}
	}
	t := w.store.target
	if err := remote.WriteLayer(t.repository, &fileLayer{path: w.file.Name(), id: id, size: w.size}, t.options(w.store.ctx)...); err != nil {
		return w.store.fail(t.explain(w.store.ctx, "send the layer "+id.String(), err))
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.sent[id] = true
	return nil
}

// isManifest tells a manifest or index from a configuration, as the store is not
// told: only they have a schema version (image-spec, "manifest.md").
func isManifest(text []byte) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return false
	}
	var m struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	return json.Unmarshal(text, &m) == nil && m.SchemaVersion == 2
}
