package registry

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// partial begins the names of blobs that are being received.
const partial = "upload-"

// blobs keeps blobs on disk as go-containerregistry's handler does, except that
// what could not be written whole goes away at once, so that a full disk has room
// again, and that a full disk is told as one.
type blobs struct {
	registry.BlobHandler
	registry.BlobStatHandler
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
	b.BlobStatHandler, _ = b.BlobHandler.(registry.BlobStatHandler)
	b.BlobDeleteHandler, _ = b.BlobHandler.(registry.BlobDeleteHandler)
	return b, nil
}

// Put implements registry.BlobPutHandler. The reader checks the digest.
func (b *blobs) Put(_ context.Context, _ string, h v1.Hash, content io.ReadCloser) (err error) {
	file, err := os.CreateTemp(b.dir, partial+"*")
	if err != nil {
		return disk.Explain(b.dir, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = io.Copy(file, content)
	if err = errors.Join(err, file.Close()); err != nil {
		return disk.Explain(b.dir, err)
	}
	to := filepath.Join(b.dir, h.Algorithm, h.Hex)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return disk.Explain(b.dir, err)
	}
	return os.Rename(file.Name(), to)
}
