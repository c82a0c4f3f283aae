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

// fileLayer is a blob in a file, as it is.
type fileLayer struct {
	path string
	id   v1.Hash
	size int64
}

// Digest gives the blob's.
func (l *fileLayer) Digest() (v1.Hash, error) { return l.id, nil }

// DiffID is not known of a blob, and not asked for when one is sent.
func (l *fileLayer) DiffID() (v1.Hash, error) {
	return v1.Hash{}, errors.New("the blob has not been unpacked")
}

// Compressed opens the blob.
func (l *fileLayer) Compressed() (io.ReadCloser, error) { return os.Open(l.path) }

// Uncompressed opens the blob: what it is, is not known here.
func (l *fileLayer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.path) }

// Size gives the blob's, in bytes.
func (l *fileLayer) Size() (int64, error) { return l.size, nil }

// MediaType gives that of most blobs; a registry does not learn it.
func (l *fileLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

// blob is one that arrives.
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

// rawManifest is a manifest that go-containerregistry puts as it is.
type rawManifest struct {
	text []byte
	kind types.MediaType
}

// RawManifest gives the bytes.
func (m rawManifest) RawManifest() ([]byte, error) { return m.text, nil }

// MediaType gives the type that they name themselves.
func (m rawManifest) MediaType() (types.MediaType, error) { return m.kind, nil }
