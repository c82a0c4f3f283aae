package dockerfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	api "github.com/containerd/containerd/api/services/content/v1"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/buildkit/client"
	"github.com/slipway-ci/slipway/internal/panics"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// manifestBytes is the size in bytes from which a blob is not taken for a manifest:
// registries need not accept larger ones (distribution-spec, "Pushing Manifests").
const manifestBytes = 4 << 20

// receive receives the image from BuildKit and uploads it to the registry. BuildKit writes
// to a content store, which receive serves. For blobs that the registry has, the store
// reports that they exist, so that they are not sent over either connection.
func (t *target) receive(ctx context.Context, s Spec, solve solver) (v1.Hash, error) {
	solving, cancel := panics.WithCancelOnPanic(ctx)
	defer cancel(nil)
	r := &receiver{ctx: solving, fail: cancel, target: t, manifests: map[v1.Hash][]byte{}}
	response, err := solve(solving, client.ExportEntry{Type: client.ExporterOCI, Attrs: imageAttributes(s, client.ExporterOCI)}, r)
	if ctx.Err() == nil && solving.Err() != nil {
		return v1.Hash{}, context.Cause(solving) // BuildKit's error has fewer details
	}
	if err != nil {
		return v1.Hash{}, err
	}
	root, err := exported(response)
	if err != nil {
		return v1.Hash{}, err
	}
	return root, r.putManifests(ctx, root)
}

// receiver is the part of containerd's content service that BuildKit's exporter uses
// (github.com/containerd/containerd/api/services/content/v1). It stores blobs in a
// registry. It keeps manifests in memory until all blobs are uploaded.
type receiver struct {
	api.UnimplementedContentServer
	ctx    context.Context
	fail   context.CancelCauseFunc
	target *target

	mu        sync.Mutex
	manifests map[v1.Hash][]byte
}

// Register registers the service on a session's server.
func (r *receiver) Register(server *grpc.Server) { api.RegisterContentServer(server, r) }

// Info reports that a blob exists if the registry has it, and returns codes.NotFound
// otherwise.
func (r *receiver) Info(_ context.Context, request *api.InfoRequest) (answer *api.InfoResponse, err error) {
	defer panics.Keep(r.ctx, &err, "blob "+request.Digest)
	if there, err := r.has(request.Digest); err != nil || !there {
		return nil, status.Errorf(codes.NotFound, "%s is not there", request.Digest)
	}
	return &api.InfoResponse{Info: &api.Info{Digest: request.Digest}}, nil
}

func (r *receiver) has(text string) (bool, error) {
	id, err := v1.NewHash(text)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	_, held := r.manifests[id]
	r.mu.Unlock()
	if held {
		return true, nil
	}
	layer, err := remote.Layer(r.target.repository.Digest(text), r.target.options(r.ctx)...)
	if err != nil {
		return false, err
	}
	return partial.Exists(layer)
}

// Write receives a blob and uploads it to the registry. The blob is in a file until it is
// complete, so that the upload can be retried. An error ends the build, and is its error.
func (r *receiver) Write(stream api.Content_WriteServer) (err error) {
	defer panics.Keep(r.ctx, &err, "a layer that BuildKit hands over")
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if first.Expected != "" {
		if there, err := r.has(first.Expected); err == nil && there {
			return status.Errorf(codes.AlreadyExists, "%s is there", first.Expected)
		}
	}
	file, err := os.CreateTemp("", "slipway-layer-")
	if err == nil {
		defer os.Remove(file.Name())
		defer file.Close()
		err = r.write(stream, first, &blob{file: file, hash: sha256.New()})
	}
	if err != nil && stream.Context().Err() == nil {
		r.fail(err)
	}
	return err
}

// write follows the protocol: each request has a response, and the last request is a
// commit.
func (r *receiver) write(stream api.Content_WriteServer, request *api.WriteContentRequest, b *blob) error {
	for {
		if request.Action != api.WriteAction_STAT {
			if request.Offset != b.size {
				return status.Errorf(codes.OutOfRange, "write at %d, and %d bytes are there", request.Offset, b.size)
			}
			if err := b.add(request.Data); err != nil {
				return fmt.Errorf("write a layer to a temporary file: %w", err)
			}
		}
		if request.Action == api.WriteAction_COMMIT {
			if err := r.commit(b, request.Expected, request.Total); err != nil {
				return err
			}
		}
		answer := &api.WriteContentResponse{Action: request.Action, Offset: b.size, Total: request.Total, Digest: b.digest().String()}
		if err := stream.Send(answer); err != nil || request.Action == api.WriteAction_COMMIT {
			return err
		}
		var err error
		if request, err = stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// commit uploads a blob to the registry, or keeps it if it is a manifest.
func (r *receiver) commit(b *blob, expected string, size int64) error {
	id := b.digest()
	if expected != "" && expected != id.String() || size > 0 && size != b.size {
		return fmt.Errorf("digest mismatch for a layer from BuildKit: want %s of %d bytes, got %s of %d bytes", expected, size, id, b.size)
	}
	if b.size < manifestBytes {
		text, err := os.ReadFile(b.file.Name())
		if err != nil {
			return fmt.Errorf("read a layer from its temporary file: %w", err)
		}
		if isManifest(text) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.manifests[id] = text
			return nil
		}
	}
	layer := &fileLayer{path: b.file.Name(), id: id, size: b.size}
	if err := remote.WriteLayer(r.target.repository, layer, r.target.options(r.ctx)...); err != nil {
		return r.target.explain(r.ctx, "upload the layer "+id.String(), err)
	}
	return nil
}

// putManifests uploads a manifest after those that it refers to.
func (r *receiver) putManifests(ctx context.Context, root v1.Hash) error {
	text, held := r.manifests[root]
	if !held {
		return fmt.Errorf("BuildKit did not send the manifest %s", root)
	}
	var manifest v1.IndexManifest // a manifest of one platform has no Manifests
	if err := json.Unmarshal(text, &manifest); err != nil {
		return fmt.Errorf("read the manifest %s: %w", root, err)
	}
	for _, child := range manifest.Manifests {
		if err := r.putManifests(ctx, child.Digest); err != nil {
			return err
		}
	}
	if err := remote.Put(r.target.repository.Digest(root.String()), rawManifest{text, manifest.MediaType}, r.target.options(ctx)...); err != nil {
		return r.target.explain(ctx, "upload the manifest "+root.String(), err)
	}
	return nil
}

// isManifest reports whether text is a manifest or an index rather than a config. The
// content service does not say, but only they have a schema version (image-spec,
// "manifest.md").
func isManifest(text []byte) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return false
	}
	var m struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	return json.Unmarshal(text, &m) == nil && m.SchemaVersion == 2
}
