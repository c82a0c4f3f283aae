package layout

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/registry"
)

// dockerFile lists the images in an archive of docker save. See the Docker Image Specification
// v1.2, Combined Image JSON + Filesystem Changeset Format.
const dockerFile = "manifest.json"

// dockerImage is one image of an archive of docker save.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// readDockerArchive makes the manifest of the image in an archive of docker save, which has
// none.
func (l *Layout) readDockerArchive(want v1.Hash) error {
	text, err := l.document(dockerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{Problem: "is not the archive of an image: it has neither " + indexFile + " nor " + dockerFile, Hint: "docker save, skopeo copy docker-archive:FILE and crane pull make such archives"}
	}
	if err != nil {
		return err
	}
	var images []dockerImage
	if err := json.Unmarshal(text, &images); err != nil {
		return &Error{Problem: "has a " + dockerFile + " that cannot be read", Err: err}
	}
	if len(images) != 1 {
		var tags []string
		for _, i := range images {
			tags = append(tags, i.RepoTags...)
		}
		return &Error{Problem: fmt.Sprintf("has %d images, not one", len(images)), Hint: strings.TrimSpace("save each in an archive of its own: " + strings.Join(tags, ", "))}
	}
	manifest, err := l.dockerManifest(images[0])
	if err != nil {
		return err
	}
	l.Digest = registry.DigestOf(manifest)
	l.documents[l.Digest] = manifest
	if want != (v1.Hash{}) && want != l.Digest {
		return &Error{Problem: "has no image " + want.String(), Hint: "it has " + l.Digest.String()}
	}
	return nil
}

// dockerManifest returns the OCI manifest of an image in an archive of docker save, and sets the
// names of its blobs.
func (l *Layout) dockerManifest(i dockerImage) ([]byte, error) {
	settings, err := l.document(clean(i.Config))
	if err != nil {
		return nil, &Error{Problem: "lacks the configuration of its image", Err: unlessMissing(err)}
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(settings))
	if err != nil {
		return nil, &Error{Problem: "has a configuration that cannot be read", Err: err}
	}
	if len(config.RootFS.DiffIDs) != len(i.Layers) {
		return nil, &Error{Problem: fmt.Sprintf("has %d layers, and its configuration has %d", len(i.Layers), len(config.RootFS.DiffIDs))}
	}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Size: int64(len(settings)), Digest: registry.DigestOf(settings)}}
	l.documents[m.Config.Digest] = settings
	for n, named := range i.Layers {
		layer, err := l.dockerLayer(clean(named), config.RootFS.DiffIDs[n])
		if err != nil {
			return nil, err
		}
		m.Layers = append(m.Layers, layer)
		l.names[layer.Digest] = clean(named)
	}
	return json.Marshal(m)
}

// dockerLayer returns the descriptor of a layer. docker save does not compress layers, so that
// their digest is the diffID. Other programs do.
func (l *Layout) dockerLayer(name string, diffID v1.Hash) (v1.Descriptor, error) {
	first, err := start(l.files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return v1.Descriptor{}, &Error{Problem: "lacks the layer " + name, Hint: "save the image again"}
	}
	if err != nil {
		return v1.Descriptor{}, unreadable(name, err)
	}
	stream, size, err := l.files.open(name)
	if err != nil {
		return v1.Descriptor{}, unreadable(name, err)
	}
	defer stream.Close()
	d := v1.Descriptor{MediaType: layerType(first), Size: size, Digest: diffID}
	if d.MediaType == types.OCIUncompressedLayer {
		return d, nil
	}
	// crane names a layer by its digest. It is verified when the layer is read.
	if d.Digest, err = v1.NewHash("sha256:" + strings.TrimSuffix(path.Base(name), ".tar.gz")); err == nil {
		return d, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, stream); err != nil {
		return v1.Descriptor{}, unreadable(name, err)
	}
	d.Digest = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
	return d, nil
}

// clean returns the name of a file as archives are indexed.
func clean(name string) string { return path.Join("/", name)[1:] }
