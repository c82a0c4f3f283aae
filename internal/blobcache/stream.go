package blobcache

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// reader is a blob of the cache.
type reader struct {
	io.ReadCloser
	sum     hash.Hash
	want    string
	damaged func()
}

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	_, _ = r.sum.Write(b[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(r.sum.Sum(nil)) != r.want {
		r.damaged()
		return n, fmt.Errorf("the cached blob sha256:%s is damaged: %w", r.want, ErrDamaged)
	}
	return n, err
}

// ErrDamaged reports that a blob in the cache does not have its digest. It has been deleted, so
// that the next attempt reads it from the registry.
var ErrDamaged = errors.New("it has been deleted from the cache; try again")

// keeper is a stream that is written to the cache while it is read.
type keeper struct {
	io.ReadCloser
	file *os.File
	sum  hash.Hash
	want string
	to   string
	// failed is set when the file cannot be written, and ended when the stream was read to its end.
	failed, ended bool
}

// Read implements io.Reader.
func (k *keeper) Read(b []byte) (int, error) {
	n, err := k.ReadCloser.Read(b)
	if !k.failed {
		_, _ = k.sum.Write(b[:n])
		if _, failed := k.file.Write(b[:n]); failed != nil { // such as a full disk
			k.failed = true
		}
	}
	k.ended = k.ended || errors.Is(err, io.EOF)
	return n, err
}

// Close implements io.Closer. It puts the blob into the cache, or removes what was written.
func (k *keeper) Close() error {
	complete := k.ended && !k.failed && hex.EncodeToString(k.sum.Sum(nil)) == k.want
	if err := k.file.Close(); err != nil || !complete || os.Rename(k.file.Name(), k.to) != nil {
		_ = os.Remove(k.file.Name())
	}
	return k.ReadCloser.Close()
}
