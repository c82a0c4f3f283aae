package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// partial begins the names of blobs that are being received.
const partial = "upload-"

// blobs keeps blobs on disk, where go-containerregistry's handler finds them.
type blobs struct {
	registry.BlobHandler
	registry.BlobDeleteHandler
	dir string
}

// openBlobs gives the blobs in dir, without what a killed process wrote in part.
func openBlobs(dir string) (*blobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, disk.Explain(dir, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, partial+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	b := &blobs{BlobHandler: registry.NewDiskBlobHandler(dir), dir: dir}
	b.BlobDeleteHandler, _ = b.BlobHandler.(registry.BlobDeleteHandler)
	return b, nil
}

// take makes a file in dir, which has been checked, the blob of a digest.
func (b *blobs) take(path string, digest v1.Hash) error {
	to := filepath.Join(b.dir, digest.Algorithm, digest.Hex)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.Rename(path, to)
}

// Stat gives a blob's size. Blobs were checked when they came: to hash them again
// at each question, as go-containerregistry does, makes questions about gigabytes
// slow.
func (b *blobs) Stat(_ context.Context, _ string, h v1.Hash) (int64, error) {
	info, err := os.Stat(filepath.Join(b.dir, h.Algorithm, h.Hex))
	if errors.Is(err, os.ErrNotExist) {
		return 0, registry.ErrNotFound
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
