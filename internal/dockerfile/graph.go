package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/buildkit/client"
)

// exporterMoby is the exporter of a Docker daemon with a graph driver. It writes the image
// to the daemon's store.
const exporterMoby = "moby"

// deliver builds with a daemon that has a graph driver, reads the image from the daemon's
// store, and uploads it to the registry. Layers of the tags' last images are in the
// registry, so they are neither compressed nor uploaded again.
//
// The store keeps one platform of an image, and does not rewrite file times, so that a
// build with an empty cache has another digest.
func (d *docker) deliver(ctx context.Context, s Spec, t *target, solve solver) (v1.Hash, error) {
	if len(s.Platforms) > 1 {
		return v1.Hash{}, s.refuse("turn on Docker's containerd image store, or set BUILDKIT_HOST",
			"the Docker daemon at %s keeps images of one platform only", d.host)
	}
	response, err := solve(ctx, client.ExportEntry{Type: exporterMoby, Attrs: map[string]string{}})
	if err != nil {
		return v1.Hash{}, err
	}
	id := response["containerimage.digest"]
	if id == "" {
		return v1.Hash{}, errors.New("the Docker daemon did not return the image that it built")
	}
	file, err := d.save(ctx, id)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("read the image from the Docker daemon: %w", err)
	}
	defer os.Remove(file)
	saved, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("read the image from the Docker daemon: %w", err)
	}
	saved, err = t.known(ctx, saved)
	if err != nil {
		return v1.Hash{}, err
	}
	if len(s.Annotations) > 0 {
		saved = mutate.Annotations(saved, s.Annotations).(v1.Image)
	}
	digest, err := saved.Digest()
	if err != nil {
		return v1.Hash{}, fmt.Errorf("read the image from the Docker daemon: %w", err)
	}
	if err := remote.Write(t.repository.Digest(digest.String()), saved, t.options(ctx)...); err != nil {
		return v1.Hash{}, t.explain(ctx, "upload the image", err)
	}
	return digest, nil
}

// save writes an image in the daemon's store to a temporary file, and returns its path.
func (d *docker) save(ctx context.Context, id string) (string, error) {
	response, err := d.request(ctx, http.MethodGet, "/images/"+id+"/get")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	file, err := os.CreateTemp("", "slipway-image-*.tar")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, response.Body)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

// known returns the image as an OCI image. It replaces the layers that are also in the last
// images of the tags by the layers of those, which are in the registry, compressed.
func (t *target) known(ctx context.Context, saved v1.Image) (v1.Image, error) {
	there := map[v1.Hash]v1.Layer{}
	for _, tag := range t.tags {
		last, err := remote.Image(t.repository.Tag(tag), t.options(ctx)...)
		if err != nil {
			continue // there is none, so everything is uploaded
		}
		layers, err := last.Layers()
		if err != nil {
			continue
		}
		for _, layer := range layers {
			if id, err := layer.DiffID(); err == nil {
				there[id] = layer
			}
		}
	}
	layers, err := saved.Layers()
	if err != nil {
		return nil, fmt.Errorf("read the image from the Docker daemon: %w", err)
	}
	config, err := saved.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read the image from the Docker daemon: %w", err)
	}
	bare := config.DeepCopy()
	bare.RootFS.DiffIDs, bare.History = nil, nil
	image, err := mutate.ConfigFile(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), bare)
	if err != nil {
		return nil, err
	}
	next := 0
	for _, entry := range config.History {
		addendum := mutate.Addendum{History: entry, MediaType: types.OCILayer}
		if !entry.EmptyLayer && next < len(layers) {
			addendum.Layer = layers[next]
			next++
			id, err := addendum.Layer.DiffID()
			if err != nil {
				return nil, err
			}
			if layer, found := there[id]; found {
				addendum.Layer = layer
			}
		}
		if image, err = mutate.Append(image, addendum); err != nil {
			return nil, err
		}
	}
	return image, nil
}
