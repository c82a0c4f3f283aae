package dockerfile

import (
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// fileLayer is a blob whose content is in a file.
type fileLayer struct {
	path string
	id   v1.Hash
	size int64
}

// Digest returns the digest of the blob.
func (l *fileLayer) Digest() (v1.Hash, error) { return l.id, nil }

// DiffID returns an error: the diffID is not known, and uploading the blob does not need
// it.
func (l *fileLayer) DiffID() (v1.Hash, error) {
	return v1.Hash{}, errors.New("the blob has not been unpacked")
}

// Compressed opens the file.
func (l *fileLayer) Compressed() (io.ReadCloser, error) { return os.Open(l.path) }

// Uncompressed opens the file. It may be compressed all the same, which is not known here.
func (l *fileLayer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.path) }

// Size returns the size of the blob in bytes.
func (l *fileLayer) Size() (int64, error) { return l.size, nil }

// MediaType returns the type that most blobs have. It is not sent to the registry.
func (l *fileLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

// blob is a blob that is being received.
type blob struct {
	file *os.File
	hash hash.Hash
	size int64
}

func (b *blob) add(text []byte) error {
	n, err := io.MultiWriter(b.file, b.hash).Write(text)
	b.size += int64(n)
	return err
}

func (b *blob) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(b.hash.Sum(nil))}
}

// rawManifest is a manifest that go-containerregistry uploads unchanged.
type rawManifest struct {
	text []byte
	kind types.MediaType
}

// RawManifest returns the bytes of the manifest.
func (m rawManifest) RawManifest() ([]byte, error) { return m.text, nil }

// MediaType returns the media type in the manifest.
func (m rawManifest) MediaType() (types.MediaType, error) { return m.kind, nil }
