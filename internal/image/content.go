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

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/exclusion"
	"github.com/slipway-ci/slipway/internal/panics"
)

// ChangedError reports that a file changed while an image was made from it. Running the
// same command again may succeed.
type ChangedError struct {
	// File is the path in the tree, with slashes.
	File string
}

// Error names the file.
func (e *ChangedError) Error() string {
	return e.File + " changed while it was read; run it again when nothing writes to it"
}

// readEntries reads the files of entries under root, except for those whose content is
// known, and records what it reads. It returns the paths of the files that hold a private
// key.
func readEntries(ctx context.Context, root *os.Root, entries []entry, known *stamps) (map[string]bool, error) {
	isKey := make([]bool, len(entries))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n := range entries {
		e := &entries[n]
		if e.link != "" {
			continue
		}
		if had, ok := known.lookup(e.file, e.info); ok {
			e.size, e.sum, isKey[n] = had.size, had.sum, had.isKey
			continue
		}
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if isKey[n], err = readEntry(ctx, root, e); err == nil && e.size == e.info.Size() {
				known.record(e.file, e.info, e.sum, isKey[n])
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

// readEntry sets the size and the hash of an entry, and reports whether it holds a private
// key.
func readEntry(ctx context.Context, root *os.Root, e *entry) (isKey bool, err error) {
	file, err := openRegular(root, e.file)
	if err != nil {
		return false, err
	}
	defer file.Close()
	h := sha256.New()
	if exclusion.MayHoldKey(e.file) {
		head, err := io.ReadAll(io.LimitReader(file, exclusion.KeyBytes))
		if err != nil {
			return false, &fs.PathError{Op: "read", Path: e.file, Err: cause(err)}
		}
		isKey, e.size = exclusion.HoldsKey(head), int64(len(head))
		h.Write(head)
	} else {
		e.size = 0
	}
	n, err := io.Copy(h, contextio.NewReader(ctx, file))
	if err != nil {
		return false, readError(ctx, e.file, err)
	}
	e.size += n
	h.Sum(e.sum[:0])
	return isKey, nil
}

// openRegular opens a file of the tree that was a regular file a moment ago. If the file
// has become a pipe, opening it does not wait for a writer.
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

// readError adds the file name to err, or returns the error of ctx if it is done.
func readError(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &fs.PathError{Op: "read", Path: name, Err: cause(err)}
}

// fingerprint returns the identity of a layer's content: names, modes, owners, links and
// the hashes of files.
func fingerprint(entries []entry) string {
	h := sha256.New()
	fmt.Fprintf(h, "layer/%s\n", kindVersion)
	for _, e := range entries {
		fmt.Fprintf(h, "%q %o %d:%d %q %x\n", e.name, e.mode, e.owner.User, e.owner.Group, e.link, e.sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// counter hashes and counts what is written to it.
type counter struct {
	hash.Hash
	n int64
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return c.Hash.Write(b)
}
