package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/source"
)

// base is what an image is built on: one platform's image.
type base struct {
	// reference is where it was found, by digest; nil for scratch.
	reference *name.Digest
	image     v1.Image
	config    *v1.ConfigFile
	// layers are the descriptors under OCI's media types.
	layers []v1.Descriptor
}

// scratch is the base that has nothing.
func scratch() *base { return &base{config: &v1.ConfigFile{RootFS: v1.RootFS{Type: "layers"}}} }

// findBase gives the digest of what the spec's base stands for now, an index or
// an image, and nil when there is none. It costs one request, and none for a base
// that is named by its digest.
func findBase(ctx context.Context, s Spec, r *Registry) (*name.Digest, error) {
	if s.Base == "" || s.Base == "scratch" {
		return nil, nil
	}
	reference, err := r.parse(s.Base)
	if err != nil {
		return nil, refuseBase(s, err, "write it as in python:3.12-slim or gcr.io/project/image@sha256:...", "is no reference: %v", err)
	}
	if digest, ok := reference.(name.Digest); ok {
		return &digest, nil
	}
	var digest name.Digest
	err = r.retry(ctx, func() error {
		descriptor, err := remote.Head(reference, r.options(ctx)...)
		if err == nil {
			digest = reference.Context().Digest(descriptor.Digest.String())
			return nil
		}
		if code := status(err); code != 0 && !refusesHead(err) && code != http.StatusBadRequest || passing(err) {
			return err
		}
		manifest, err := remote.Get(reference, r.options(ctx)...) // it knows no HEAD, or does not tell digests with it
		if err == nil {
			digest = reference.Context().Digest(manifest.Digest.String())
		}
		return err
	})
	return &digest, explainBase(s, reference, err)
}

// openBase reads the manifest and the configuration of a base, for the spec's
// platform. nil gives scratch.
func openBase(ctx context.Context, s Spec, r *Registry, reference *name.Digest) (*base, error) {
	if reference == nil {
		return scratch(), nil
	}
	var found *base
	var platforms []string
	err := r.retry(ctx, func() (err error) {
		found, platforms, err = r.readBase(ctx, *reference, s.platform)
		return err
	})
	if errors.Is(err, errNoPlatform) {
		return nil, refuseBase(s, err, "choose another base or another platform", "is not for %s, but for %s", s.platform, strings.Join(platforms, ", "))
	}
	return found, explainBase(s, reference, err)
}

func refuseBase(s Spec, err error, hint, format string, args ...any) error {
	return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the base %s ", s.Name, s.Base) + fmt.Sprintf(format, args...), Hint: hint, Err: err}
}

func explainBase(s Spec, reference name.Reference, err error) error {
	switch code := status(err); {
	case err == nil:
		return nil
	case code == http.StatusNotFound:
		return refuseBase(s, err, "check its name and tag", "does not exist: %v", err)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return refuseBase(s, err, "check its name, and that you may read it: docker login "+reference.Context().RegistryStr(), "may not be read, or does not exist: %v", err)
	}
	return fmt.Errorf("read the base %s: %w", s.Base, err)
}

var errNoPlatform = errors.New("no image for this platform")

// readBase gives the image for a platform; when there is none, errNoPlatform and
// the platforms that there are.
func (r *Registry) readBase(ctx context.Context, reference name.Digest, want v1.Platform) (*base, []string, error) {
	descriptor, err := remote.Get(reference, r.options(ctx, remote.WithPlatform(want))...)
	if err != nil {
		return nil, nil, err
	}
	image, platforms, err := chosen(descriptor, want)
	if err != nil {
		return nil, platforms, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, nil, err
	}
	// Old images name no platform at all.
	if have := config.Platform(); have != nil && have.Architecture != "" && (have.Architecture != want.Architecture || have.OS != want.OS) {
		return nil, []string{have.String()}, errNoPlatform
	}
	layers, err := layersOf(image)
	return &base{reference: &reference, image: image, config: config, layers: layers}, nil, err
}

// chosen takes the image for a platform out of an index, or the image itself.
func chosen(descriptor *remote.Descriptor, want v1.Platform) (v1.Image, []string, error) {
	if !descriptor.MediaType.IsIndex() {
		image, err := descriptor.Image()
		return image, nil, err
	}
	index, err := descriptor.ImageIndex()
	if err != nil {
		return nil, nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, nil, err
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" { // attestations
			continue
		}
		if m.Platform.Satisfies(want) {
			image, err := index.Image(m.Digest)
			return image, nil, err
		}
		platforms = append(platforms, m.Platform.String())
	}
	return nil, platforms, errNoPlatform
}

// layersOf gives the layers of an image under OCI's media types.
func layersOf(image v1.Image) ([]v1.Descriptor, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return nil, err
	}
	layers := make([]v1.Descriptor, len(manifest.Layers))
	for n, l := range manifest.Layers {
		layers[n] = v1.Descriptor{MediaType: inOCI(l.MediaType), Size: l.Size, Digest: l.Digest, URLs: l.URLs}
	}
	return layers, nil
}

// inOCI gives the OCI media type for a layer's.
func inOCI(t types.MediaType) types.MediaType {
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
