package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/slipway-ci/slipway/internal/panics"
)

// ChangedError is a file that changed while an image was made of it. The same
// command may succeed when it is run again.
type ChangedError struct {
	// File is its path in the tree, with slashes.
	File string
}

// Error names the file.
func (e *ChangedError) Error() string {
	return e.File + " changed while it was read; run it again when nothing writes to it"
}

// readEntries reads the files of entries under root, unless it is known what they
// hold, and notes it. It gives the paths of those that hold a private key.
func readEntries(ctx context.Context, root *os.Root, entries []entry, known *stamps) (map[string]bool, error) {
	isKey := make([]bool, len(entries))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n := range entries {
		e := &entries[n]
		if e.link != "" {
			continue
		}
		if had, ok := known.holds(e.file, e.info); ok {
			e.size, e.sum, isKey[n] = had.size, had.sum, had.isKey
			continue
		}
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if isKey[n], err = readEntry(ctx, root, e); err == nil && e.size == e.info.Size() {
				known.note(e.file, e.info, e.sum, isKey[n])
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for n, e := range entries {
		if isKey[n] {
			keys[e.file] = true
		}
	}
	return keys, nil
}

func readEntry(ctx context.Context, root *os.Root, e *entry) (isKey bool, err error) {
	file, err := openRegular(root, e.file)
	if err != nil {
		return false, err
	}
	defer file.Close()
	h := sha256.New()
	if mayHoldKey(e.file) {
		head, err := io.ReadAll(io.LimitReader(file, keyBytes))
		if err != nil {
			return false, &fs.PathError{Op: "read", Path: e.file, Err: cause(err)}
		}
		isKey, e.size = holdsKey(head), int64(len(head))
		h.Write(head)
	} else {
		e.size = 0
	}
	n, err := io.Copy(h, &contextReader{ctx, file})
	if err != nil {
		return false, readError(ctx, e.file, err)
	}
	e.size += n
	h.Sum(e.sum[:0])
	return isKey, nil
}

// openRegular opens a file of the tree that was a regular one a moment ago. It
// is opened without waiting for a writer, should it have become a pipe.
func openRegular(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: cause(err)}
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, &ChangedError{name}
	}
	return file, nil
}

// readError names the file; an end of the context stays one.
func readError(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &fs.PathError{Op: "read", Path: name, Err: cause(err)}
}

// fingerprint is the identity of a layer's content: names, modes, links and what
// the files hold.
func fingerprint(entries []entry) string {
	h := sha256.New()
	fmt.Fprintf(h, "layer/%s\n", kindVersion)
	for _, e := range entries {
		fmt.Fprintf(h, "%q %o %d:%d %q %x\n", e.name, e.mode, e.owner.User, e.owner.Group, e.link, e.sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r *contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}

// counter hashes and counts what is written to it.
type counter struct {
	hash.Hash
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return c.Hash.Write(b)
}
