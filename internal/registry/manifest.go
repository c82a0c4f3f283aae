package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Annotations with which an index states the size in bytes and the number of layers of each
// of its images, which saves a request for each image.
const (
	AnnotationSize   = "io.github.slipway-ci.size"
	AnnotationLayers = "io.github.slipway-ci.layers"
)

// Manifest is the manifest of an image or of an index.
type Manifest struct {
	// Text is the manifest as the registry has it, and Digest the digest of it.
	Text      []byte
	MediaType types.MediaType
	Digest    v1.Hash

	Config      v1.Descriptor
	Layers      []v1.Descriptor
	Annotations map[string]string
	// Children are the images of an index. They are empty for an image.
	Children []v1.Descriptor
	// Size is the number of bytes that a pull transfers, and Count the number of layers.
	// For an index they cover those of its images whose size and layers it states.
	Size  int64
	Count int
}

// parseManifest parses the manifest of an image or of an index.
func parseManifest(text []byte, digest v1.Hash) (*Manifest, error) {
	var read struct {
		v1.Manifest
		Manifests []v1.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	m := &Manifest{
		Text: text, MediaType: read.MediaType, Digest: digest, Config: read.Config, Layers: read.Layers, Annotations: read.Annotations,
		Children: read.Manifests, Size: int64(len(text)) + read.Config.Size, Count: len(read.Layers),
	}
	for _, l := range m.Layers {
		m.Size += l.Size
	}
	for _, child := range m.Children {
		size, layers := statedSize(child)
		m.Size, m.Count = m.Size+size, m.Count+layers
	}
	return m, nil
}

// statedSize returns the size and the number of layers that an index states for one of its
// images, 0 if it does not.
func statedSize(child v1.Descriptor) (size int64, layers int) {
	size, _ = strconv.ParseInt(child.Annotations[AnnotationSize], 10, 64)
	layers, _ = strconv.Atoi(child.Annotations[AnnotationLayers])
	return size, layers
}

// Manifest returns the manifest that a tag or a digest refers to, or nil if there is none.
func (r *Repository) Manifest(ctx context.Context, reference string) (*Manifest, error) {
	var text []byte
	var digest v1.Hash
	err := r.client.retry(ctx, func() (err error) {
		text, digest, err = r.wire.manifest(ctx, reference)
		return err
	})
	if Status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, r.Explain("look up "+r.Name.Tag(reference).String(), err)
	}
	m, err := parseManifest(text, digest)
	if err != nil {
		return nil, fmt.Errorf("read the manifest of %s: %w", r.Name.Tag(reference), err)
	}
	return m, nil
}

// ManifestIfReadable is like Manifest for manifests that can be made again: it also returns
// nil for a tag that the registry cannot read.
func (r *Repository) ManifestIfReadable(ctx context.Context, tag string) (*Manifest, error) {
	found, err := r.Manifest(ctx, tag)
	if isUnreadable(err) {
		return nil, nil
	}
	return found, err
}

// Put uploads a manifest without giving it a tag.
func (r *Repository) Put(ctx context.Context, m *Manifest) error {
	err := r.client.retry(ctx, func() error {
		r.Meter.sent.Add(int64(len(m.Text)))
		return r.wire.putManifest(ctx, m.Digest.String(), m.MediaType, m.Text)
	})
	return r.Explain("upload "+r.Name.Digest(m.Digest.String()).String(), err)
}
