package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

// base is the image, for one platform, that another image is built on.
type base struct {
	// reference is the reference by digest of the index or image that was found, or nil for
	// scratch.
	reference *name.Digest
	// digest is the digest of the image's manifest.
	digest v1.Hash
	config *v1.ConfigFile
	// layers are the descriptors, with OCI media types.
	layers []v1.Descriptor

	// read reads the file system. known is what is already known of it, which may be an
	// excerpt, or nil.
	read  func(context.Context) (*rootfs.FS, error)
	mu    sync.Mutex
	known *rootfs.FS
	// python is the interpreter that the requirements are for, or nil if not yet known.
	python *interpreter
}

// scratch returns the empty base.
func scratch() *base {
	return &base{config: &v1.ConfigFile{RootFS: v1.RootFS{Type: "layers"}}, known: rootfs.Merge()}
}

// withFS calls f with what is known of the file system. If that does not suffice, ask reads
// the whole file system and calls f again.
func (b *base) withFS(ctx context.Context, f func(*rootfs.FS)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known != nil {
		if f(b.known); !b.known.Lacks() {
			return nil
		}
	}
	full, err := b.read(ctx)
	if err != nil {
		return err
	}
	b.known = full
	f(full)
	return nil
}

// findBase returns the current digest of the index or image that the spec's base refers to,
// or nil if the spec has no base. It takes one request, and none for a base that is given
// by digest.
func findBase(ctx context.Context, s Spec, r *registry.Client) (*name.Digest, error) {
	if s.Base == "" || s.Base == "scratch" {
		return nil, nil
	}
	reference, err := r.Parse(s.Base)
	if err != nil {
		return nil, refuseBase(s, err, "write it as in python:3.12-slim or gcr.io/project/image@sha256:...", "is not a valid image reference: %v", err)
	}
	if digest, ok := reference.(name.Digest); ok {
		return &digest, nil
	}
	digest, err := r.DigestFor(ctx, reference)
	if err != nil {
		return nil, explainBase(s, r, reference, err)
	}
	found := reference.Context().Digest(digest.String())
	return &found, nil
}

// openBase reads the manifest and the configuration of a base for the spec's platform. It
// returns scratch if reference is nil.
func openBase(ctx context.Context, s Spec, r *registry.Client, reference *name.Digest) (*base, error) {
	if reference == nil {
		return scratch(), nil
	}
	found, platforms, err := readBase(ctx, r.Puller(), openBaseCache(s), *reference, s.platform)
	if errors.Is(err, errNoPlatform) && len(platforms) == 0 {
		return nil, refuseBase(s, err, "name one of its images by its digest: crane manifest "+s.Base+" lists them", "is an image index that does not state the platforms of its images")
	}
	if errors.Is(err, errNoPlatform) {
		return nil, refuseBase(s, err, "choose another base or another platform", "has no image for the platform %s, only for %s", s.platform, strings.Join(platforms, ", "))
	}
	if err != nil {
		return nil, explainBase(s, r, reference, err)
	}
	found.read = func(ctx context.Context) (*rootfs.FS, error) { return readFS(ctx, r, s, found, noCopy) }
	return found, nil
}

// refuseBase returns an error about the base, at the position of the image in slipway.yaml.
func refuseBase(s Spec, err error, hint, format string, args ...any) error {
	return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the base %s ", s.Name, s.Base) + fmt.Sprintf(format, args...), Hint: hint, Err: err}
}

// explainBase explains why a base cannot be read. It returns nil if err is nil.
func explainBase(s Spec, r *registry.Client, reference name.Reference, err error) error {
	switch code := registry.Status(err); {
	case err == nil:
		return nil
	case code == http.StatusNotFound:
		return refuseBase(s, err, "check its name and tag", "was not found: %v", err)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return refuseBase(s, err, "check its name, and your permission to pull it: docker login "+reference.Context().RegistryStr(), "was not found, or permission to pull it was denied: %v", err)
	}
	return r.Explain("read the base "+s.Base, reference.Context().RegistryStr(), err)
}

var errNoPlatform = errors.New("no image for this platform")

// readBase returns the image for a platform. If there is none, it returns errNoPlatform and
// the platforms that the base is for.
func readBase(ctx context.Context, puller *registry.Puller, k baseCache, reference name.Digest, want v1.Platform) (*base, []string, error) {
	text, err := baseManifest(ctx, puller, k, reference)
	if err != nil {
		return nil, nil, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	if len(index.Manifests) > 0 {
		digest, platforms := digestForPlatform(index, want)
		if digest == nil {
			return nil, platforms, errNoPlatform
		}
		if text, err = baseManifest(ctx, puller, k, reference.Context().Digest(digest.String())); err != nil {
			return nil, nil, err
		}
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	settings, err := k.blob(manifest.Config.Digest, func() ([]byte, error) {
		return puller.Blob(ctx, reference.Context().Digest(manifest.Config.Digest.String()))
	})
	if err != nil {
		return nil, nil, err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(settings))
	if err != nil {
		return nil, nil, err
	}
	// Old images do not state a platform.
	if have := config.Platform(); have != nil && have.Architecture != "" && (have.Architecture != want.Architecture || have.OS != want.OS) {
		return nil, []string{have.String()}, errNoPlatform
	}
	return &base{reference: &reference, digest: registry.DigestOf(text), config: config, layers: ociLayers(manifest)}, nil, nil
}

// baseManifest returns a manifest from the cache or the registry.
func baseManifest(ctx context.Context, puller *registry.Puller, k baseCache, reference name.Digest) ([]byte, error) {
	digest, err := v1.NewHash(reference.DigestStr())
	if err != nil {
		return nil, err
	}
	return k.blob(digest, func() ([]byte, error) { return puller.Manifest(ctx, reference) })
}

// digestForPlatform returns the digest of the image for a platform in an index. If there is
// none, it returns nil and the platforms in the index.
func digestForPlatform(index *v1.IndexManifest, want v1.Platform) (*v1.Hash, []string) {
	var platforms []string
	for _, m := range index.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" { // attestations
			continue
		}
		if m.Platform.Satisfies(want) {
			return &m.Digest, nil
		}
		platforms = append(platforms, m.Platform.String())
	}
	return nil, platforms
}

// ociLayers returns the layers of an image with OCI media types.
func ociLayers(manifest *v1.Manifest) []v1.Descriptor {
	layers := make([]v1.Descriptor, len(manifest.Layers))
	for n, l := range manifest.Layers {
		layers[n] = v1.Descriptor{MediaType: ociMediaType(l.MediaType), Size: l.Size, Digest: l.Digest, URLs: l.URLs}
	}
	return layers
}

// ociMediaType returns the OCI media type that corresponds to the media type of a layer.
func ociMediaType(t types.MediaType) types.MediaType {
	switch t {
	case types.DockerLayer:
		return types.OCILayer
	case types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer
	case types.DockerForeignLayer:
		return types.OCIRestrictedLayer
	}
	return t
}
