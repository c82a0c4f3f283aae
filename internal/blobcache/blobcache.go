// Package blobcache keeps blobs on this machine by their digests, so that what was read from a
// registry once is there without a network. It also remembers which digest a tag had.
package blobcache

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// blobsDir and tagsDir are the directories of the cache.
	blobsDir = "blobs"
	tagsDir  = "tags"
	// maxTag limits the size of the file of a tag, in bytes.
	maxTag = 64 << 10
	// abandoned is the age from which a file that was being written is one that a killed process
	// left behind.
	abandoned = 24 * time.Hour
)

// Cache is a cache in a directory. Its files may be deleted at any time. Several processes may use
// one at once. The zero value keeps nothing.
type Cache struct {
	dir   string
	limit int64
}

// New returns the cache in a directory, which keeps at most limit bytes of blobs.
func New(dir string, limit int64) Cache { return Cache{dir, limit} }

// Dir returns the path of a directory of the cache, for files that its user keeps there, or "" for
// the zero value.
func (c Cache) Dir(name string) string {
	if c.dir == "" {
		return ""
	}
	return filepath.Join(c.dir, name)
}

// Open opens a blob, and returns fs.ErrNotExist if the cache does not have it. Reading it to the
// end fails if its content does not have the digest any more. It is then deleted.
func (c Cache) Open(digest v1.Hash) (io.ReadCloser, error) {
	if c.dir == "" || digest.Algorithm != "sha256" {
		return nil, fs.ErrNotExist
	}
	name := c.blob(digest)
	file, err := source.Open(nil, name)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	now := time.Now()
	_ = os.Chtimes(name, now, now) // it was used last now
	return &reader{ReadCloser: file, sum: sha256.New(), want: digest.Hex, damaged: func() { _ = os.Remove(name) }}, nil
}

// Keep returns a stream that keeps in the cache what is read of another, if it is read to its end
// and has the digest. size is its size in bytes. It does nothing for a blob that is larger than a
// quarter of the cache, or that cannot be written.
func (c Cache) Keep(stream io.ReadCloser, digest v1.Hash, size int64) io.ReadCloser {
	if c.dir == "" || size > c.limit/4 || digest.Algorithm != "sha256" {
		return stream
	}
	dir := filepath.Join(c.dir, blobsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return stream
	}
	c.makeRoom(size)
	file, err := os.CreateTemp(dir, atomicfile.Prefix+"*")
	if err != nil {
		return stream
	}
	return &keeper{ReadCloser: stream, file: file, sum: sha256.New(), want: digest.Hex, to: c.blob(digest)}
}

func (c Cache) blob(digest v1.Hash) string { return filepath.Join(c.dir, blobsDir, digest.Hex) }

// tag is a file that says which digest a tag had.
type tag struct {
	Reference string    `json:"reference"`
	Digest    v1.Hash   `json:"digest"`
	At        time.Time `json:"at"`
}

// SetTag remembers which digest a reference has at a time.
func (c Cache) SetTag(reference string, digest v1.Hash, at time.Time) {
	text, err := json.Marshal(tag{reference, digest, at.UTC()})
	if err != nil || c.dir == "" {
		return
	}
	dir := filepath.Join(c.dir, tagsDir)
	if os.MkdirAll(dir, 0o700) == nil {
		_ = atomicfile.Write(c.tag(reference), text, 0o600) // without it, the registry is asked next time
	}
}

// Tag returns the digest that a reference had, and when. It returns false if that is not known.
func (c Cache) Tag(reference string) (digest v1.Hash, at time.Time, known bool) {
	if c.dir == "" {
		return digest, at, false
	}
	text, err := source.ReadFile(nil, c.tag(reference), maxTag)
	var had tag
	if err != nil || json.Unmarshal(text, &had) != nil || had.Reference != reference {
		return digest, at, false
	}
	return had.Digest, had.At, true
}

func (c Cache) tag(reference string) string {
	sum := sha256.Sum256([]byte(reference))
	return filepath.Join(c.dir, tagsDir, hex.EncodeToString(sum[:]))
}
