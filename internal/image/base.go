package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/source"
)

// base is what an image is built on: one platform's image, whose layers are read
// when a registry turns out to lack them. Its image is nil for scratch.
type base struct {
	image  v1.Image
	config *v1.ConfigFile
	// digest is that of the image's manifest, whatever the reference was.
	digest string
}

// openBase finds the base for the spec's platform.
func openBase(ctx context.Context, s Spec, r *Registry) (base, error) {
	if s.Base == "" || s.Base == "scratch" {
		return base{config: &v1.ConfigFile{RootFS: v1.RootFS{Type: "layers"}}, digest: "scratch"}, nil
	}
	refuse := func(err error, hint, format string, args ...any) error {
		return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the base %s ", s.Name, s.Base) + fmt.Sprintf(format, args...), Hint: hint, Err: err}
	}
	reference, err := r.parse(s.Base)
	if err != nil {
		return base{}, refuse(err, "write it as in python:3.12-slim or gcr.io/project/image@sha256:...", "is no reference: %v", err)
	}
	var found base
	var platforms []string
	err = r.retry(ctx, func() (err error) {
		found, platforms, err = r.readBase(ctx, reference, s.Platform)
		return err
	})
	switch code := status(err); {
	case errors.Is(err, errNoPlatform):
		return base{}, refuse(err, "choose another base or another platform", "is not for %s, but for %s", s.Platform, strings.Join(platforms, ", "))
	case code == http.StatusNotFound:
		return base{}, refuse(err, "check its name and tag", "does not exist: %v", err)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return base{}, refuse(err, "check its name, and that you may read it: docker login "+reference.Context().RegistryStr(), "may not be read, or does not exist: %v", err)
	case err != nil:
		return base{}, fmt.Errorf("read the base %s: %w", s.Base, err)
	}
	return found, nil
}

var errNoPlatform = errors.New("no image for this platform")

// readBase gives the image for a platform; when there is none, errNoPlatform and
// the platforms that there are.
func (r *Registry) readBase(ctx context.Context, reference name.Reference, want v1.Platform) (base, []string, error) {
	descriptor, err := remote.Get(reference, r.options(ctx, remote.WithPlatform(want))...)
	if err != nil {
		return base{}, nil, err
	}
	image, platforms, err := chosen(descriptor, want)
	if err != nil {
		return base{}, platforms, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return base{}, nil, err
	}
	// Old images name no platform at all.
	if have := config.Platform(); have != nil && have.Architecture != "" && (have.Architecture != want.Architecture || have.OS != want.OS) {
		return base{}, []string{have.String()}, errNoPlatform
	}
	digest, err := image.Digest()
	return base{image: image, config: config, digest: digest.String()}, nil, err
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

// layers gives the base's layers under OCI's media types.
func (b base) layers() ([]mutate.Addendum, error) {
	if b.image == nil {
		return nil, nil
	}
	layers, err := b.image.Layers()
	if err != nil {
		return nil, err
	}
	addenda := make([]mutate.Addendum, len(layers))
	for n, l := range layers {
		mediaType, err := l.MediaType()
		if err != nil {
			return nil, err
		}
		var inOCI v1.Layer = ociLayer{l, mediaType}
		if from, ok := l.(*remote.MountableLayer); ok { // stays one: the registry may take it from where it is
			inOCI = &remote.MountableLayer{Layer: ociLayer{from.Layer, mediaType}, Reference: from.Reference}
		}
		addenda[n] = mutate.Addendum{Layer: inOCI}
	}
	return addenda, nil
}

// ociLayer is a layer under the OCI media type for the one it has.
type ociLayer struct {
	v1.Layer
	mediaType types.MediaType
}

// MediaType implements v1.Layer.
func (l ociLayer) MediaType() (types.MediaType, error) {
	switch l.mediaType {
	case types.DockerLayer:
		return types.OCILayer, nil
	case types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer, nil
	case types.DockerForeignLayer:
		return types.OCIRestrictedLayer, nil
	}
	return l.mediaType, nil
}
