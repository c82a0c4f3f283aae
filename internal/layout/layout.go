package layout

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/bounded"
	"github.com/slipway-ci/slipway/internal/registry"
)

const (
	// maxDocument limits the size of an index, a manifest or a configuration, in bytes. It is
	// what registries accept of manifests.
	maxDocument = 4 << 20
	// markerFile and indexFile are the files that each OCI image layout has. See the OCI image
	// specification, Image Layout.
	markerFile = "oci-layout"
	indexFile  = "index.json"
)

// Layout is an image on disk.
type Layout struct {
	// Digest is that of the image or index that the layout has. It does not depend on the place.
	Digest v1.Hash

	files files
	// documents are the documents that are not blobs, by digest: the index of the layout itself,
	// and the manifest of an archive that has none.
	documents map[v1.Hash][]byte
	// names are the files of the blobs that are not in the directory blobs.
	names map[v1.Hash]string
}

// files are the files of a directory or an archive.
type files interface {
	// open opens a regular file and returns its size. The error of a file that does not exist is
	// fs.ErrNotExist.
	open(name string) (io.ReadCloser, int64, error)
}

// Open reads what image a location has. dir is the root of the source tree, which a relative path
// does not leave, not even by links. The caller checks that the location is Inside. An error about
// what is there is an *Error.
func Open(dir string, at Location) (*Layout, error) {
	l := &Layout{documents: map[v1.Hash][]byte{}, names: map[v1.Hash]string{}}
	var err error
	if at.Archive {
		l.files, err = indexArchive(dir, at.Path)
	} else {
		l.files, err = directory(dir, at.Path)
	}
	if err != nil {
		return nil, err
	}
	text, err := l.document(indexFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && at.Archive:
		return l, l.readDockerArchive(at.Digest)
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Problem: "is not an OCI image layout: it has no " + indexFile, Hint: "make one with: skopeo copy docker://IMAGE oci:DIR, or: crane pull --format=oci IMAGE DIR"}
	case err != nil:
		return nil, err
	}
	if _, err := l.document(markerFile); err != nil {
		return nil, &Error{Problem: "is not an OCI image layout: it has no " + markerFile, Err: unlessMissing(err)}
	}
	return l, l.choose(text, at.Digest)
}

// choose sets the digest to that of the image or index that the layout has, or to the wanted one.
// Several images for different platforms are an index.
func (l *Layout) choose(text []byte, want v1.Hash) error {
	index, err := v1.ParseIndexManifest(bytes.NewReader(text))
	if err != nil {
		return &Error{Problem: "has an " + indexFile + " that cannot be read", Err: err}
	}
	var digests []v1.Hash
	var described []string
	platforms := map[string]bool{}
	for _, m := range index.Manifests {
		if want != (v1.Hash{}) && m.Digest == want {
			l.Digest = want
			return nil
		}
		if slices.Contains(digests, m.Digest) { // with another name
			continue
		}
		digests = append(digests, m.Digest)
		described = append(described, strings.TrimSpace(m.Digest.String()+" "+m.Annotations["org.opencontainers.image.ref.name"]))
		if m.Platform != nil {
			platforms[m.Platform.String()] = true
		}
	}
	switch {
	case len(digests) == 0:
		return &Error{Problem: "has no image"}
	case want != (v1.Hash{}):
		return &Error{Problem: "has no image " + want.String(), Hint: "it has " + strings.Join(described, ", ")}
	case len(digests) == 1:
		l.Digest = digests[0]
		return nil
	case len(platforms) < len(digests):
		return &Error{Problem: fmt.Sprintf("has %d images", len(digests)), Hint: "add @ and the digest of one of them: " + strings.Join(described, ", ")}
	}
	l.Digest = registry.DigestOf(text)
	l.documents[l.Digest] = text
	return nil
}

// Document returns a manifest, an index or a configuration.
func (l *Layout) Document(digest v1.Hash) ([]byte, error) {
	if text, ok := l.documents[digest]; ok {
		return text, nil
	}
	stream, err := l.Blob(digest, -1)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return readAll(stream, digest.String())
}

// Blob opens a blob. size is what its descriptor says, in bytes, or -1. Reading it to the end fails
// with an *Error if its content does not have the digest.
func (l *Layout) Blob(digest v1.Hash, size int64) (io.ReadCloser, error) {
	if text, ok := l.documents[digest]; ok {
		return io.NopCloser(bytes.NewReader(text)), nil
	}
	if digest.Algorithm != "sha256" {
		return nil, &Error{Problem: "has a blob by the digest " + digest.String() + ", which is not a SHA-256"}
	}
	name, ok := l.names[digest]
	if !ok {
		name = path.Join("blobs", digest.Algorithm, digest.Hex)
	}
	stream, has, err := l.files.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Problem: "lacks the blob " + digest.String(), Hint: "it is incomplete, or a layout without its layers: make it again"}
	}
	if err != nil {
		return nil, unreadable(name, err)
	}
	if size >= 0 && has != size {
		_ = stream.Close()
		return nil, &Error{Problem: fmt.Sprintf("is damaged: %s has %d bytes instead of %d", digest, has, size), Hint: "make it again"}
	}
	return newVerified(stream, digest), nil
}

// document reads a small file.
func (l *Layout) document(name string) ([]byte, error) {
	stream, _, err := l.files.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer stream.Close()
	return readAll(stream, name)
}

// readAll reads a document of at most maxDocument bytes.
func readAll(stream io.Reader, name string) ([]byte, error) {
	text, err := bounded.ReadAll(stream, maxDocument)
	if large := new(bounded.SizeError); errors.As(err, &large) {
		return nil, &Error{Problem: fmt.Sprintf("has a document of more than %d MiB: %s", large.Limit>>20, name)}
	}
	return text, err
}

// unreadable explains why a file of a layout cannot be read.
func unreadable(name string, err error) error {
	if errors.As(err, new(*Error)) {
		return err
	}
	return &Error{Problem: "has a file that cannot be read: " + name, Err: cause(err)}
}

// cause returns the reason of a failed file operation without its path, which the message names.
func cause(err error) error {
	if failed := new(fs.PathError); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// unlessMissing returns nil for an error that says that a file does not exist.
func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// layerType returns the media type of a layer by its first bytes, since what documents say of
// compression is not reliable.
func layerType(start []byte) types.MediaType {
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return types.OCILayer
	case bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return types.OCILayerZStd
	}
	return types.OCIUncompressedLayer
}
