package registry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// partialPrefix is the prefix of the names of blobs that are being received.
const partialPrefix = "upload-"

// blobs stores blobs on disk, where go-containerregistry's handler finds them.
type blobs struct {
	registry.BlobHandler
	registry.BlobDeleteHandler
	dir string
}

// openBlobs opens the blobs in dir and removes the partial ones of a killed process.
func openBlobs(dir string) (*blobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, disk.Explain(dir, err)
	}
	left, err := disk.Files(dir, partialPrefix+"*")
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return nil, err
		}
	}
	b := &blobs{BlobHandler: registry.NewDiskBlobHandler(dir), dir: dir}
	b.BlobDeleteHandler, _ = b.BlobHandler.(registry.BlobDeleteHandler)
	return b, nil
}

// checkedDir is the directory that records which files were found to match their digest.
const checkedDir = "checked"

func (b *blobs) path(digest v1.Hash) string {
	return filepath.Join(b.dir, digest.Algorithm, digest.Hex)
}

// take makes a checked file in dir the blob of a digest.
func (b *blobs) take(path string, digest v1.Hash) error {
	to := b.path(digest)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := syncFile(path); err != nil {
		return err
	}
	if err := os.Rename(path, to); err != nil {
		return err
	}
	info, err := os.Stat(to)
	if err != nil {
		return err
	}
	return b.mark(digest, info)
}

// syncFile syncs a file to disk, which must happen before it gets its final name.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// mark records that a file was checked in its current state.
func (b *blobs) mark(digest v1.Hash, info os.FileInfo) error {
	return disk.Write(filepath.Join(b.dir, checkedDir, digest.Hex), []byte(stamp(info)), 0o600)
}

func stamp(info os.FileInfo) string {
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// Stat returns a blob's size in bytes. A blob is hashed when it is received, and again
// only if the size or the time of its file changed: hashing it at each request, as
// go-containerregistry does, makes requests about gigabytes slow. For a missing or
// damaged blob the error is registry.ErrNotFound, so that the client sends it again.
func (b *blobs) Stat(_ context.Context, _ string, h v1.Hash) (int64, error) {
	info, err := os.Stat(b.path(h))
	if errors.Is(err, os.ErrNotExist) {
		return 0, registry.ErrNotFound
	}
	if err != nil {
		return 0, err
	}
	if text, err := os.ReadFile(filepath.Join(b.dir, checkedDir, h.Hex)); err == nil && string(text) == stamp(info) {
		return info.Size(), nil
	}
	whole, err := b.matchesDigest(h)
	if err != nil {
		return 0, err
	}
	if !whole {
		return 0, fmt.Errorf("%w: the file of blob %s is damaged", registry.ErrNotFound, h)
	}
	return info.Size(), b.mark(h, info)
}

// matchesDigest reports whether a blob's file has its digest.
func (b *blobs) matchesDigest(h v1.Hash) (bool, error) {
	file, err := os.Open(b.path(h))
	if err != nil {
		return false, err
	}
	defer file.Close()
	got, _, err := v1.SHA256(file)
	return got == h, err
}
