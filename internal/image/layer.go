package image

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/source"
)

// gzipLevel is the fastest level of gzip that still finds repetitions, because layers are sent
// once and unpacked often.
const gzipLevel = gzip.BestSpeed

// content is the content of one layer.
type content struct {
	// description describes the content in a few words.
	description string
	// fingerprint is the identity: contents with equal fingerprints have equal bytes.
	fingerprint string
	// dir is the root of the tree that entries with a file are in.
	dir     string
	entries []entry
	// parents are the directories above the entries.
	parents []directory
	// bytes is the total size of all files.
	bytes int64
	// stream, if not nil, writes the content in place of entries and parents.
	stream func(context.Context, *tar.Writer) error
	// requirements is the key of the requirements that the content belongs to, or empty.
	requirements string
}

// newContent returns the content of entries that have been read below dir.
func newContent(what, dir string, entries []entry) *content {
	c := &content{description: what, fingerprint: fingerprint(entries), dir: dir, entries: entries, parents: directories(entries)}
	for _, e := range entries {
		c.bytes += e.size
	}
	return c
}

// pack writes the compressed layer to w, in constant memory. The bytes depend only on the
// parents and the entries, which are written in order and without times. pack returns a
// *ChangedError if a file does not have the content that was read before.
func (c *content) pack(ctx context.Context, w io.Writer) (facts, error) {
	f, err := c.write(ctx, w)
	if err != nil && ctx.Err() == nil && !errors.As(err, new(*source.Error)) {
		return f, fmt.Errorf("pack the %s: %w", c.description, err)
	}
	return f, err
}

// write is pack without the explanation of errors.
func (c *content) write(ctx context.Context, w io.Writer) (facts, error) {
	var root *os.Root
	if c.dir != "" {
		var err error
		if root, err = os.OpenRoot(c.dir); err != nil {
			return facts{}, err
		}
		defer root.Close()
	}
	compressed, plain := &counter{Hash: sha256.New()}, sha256.New()
	buffer := bufio.NewWriterSize(io.MultiWriter(w, compressed), 256<<10)
	to, err := newMembers(buffer, plain)
	if err != nil {
		return facts{}, err
	}
	archive := tar.NewWriter(to)
	if c.stream != nil {
		if err := c.stream(ctx, archive); err != nil {
			return facts{}, err
		}
	}
	for _, directory := range c.parents {
		header := header(tar.TypeDir, directory.name+"/", directory.mode, directory.owner)
		if err := archive.WriteHeader(header); err != nil {
			return facts{}, err
		}
	}
	for _, e := range c.entries {
		if e.deflated != nil && e.deflated.Size >= minDeflated {
			err = to.writeDeflated(ctx, archive, e)
		} else {
			err = packEntry(ctx, archive, root, e)
		}
		if err != nil {
			return facts{}, err
		}
	}
	if err := errors.Join(archive.Close(), to.end(), buffer.Flush()); err != nil {
		return facts{}, err
	}
	return facts{Digest: sum(compressed), DiffID: sum(plain), Size: compressed.n}, nil
}

// header returns a tar header whose time is the Unix epoch.
func header(kind byte, name string, mode int64, owner Owner) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: strings.TrimPrefix(name, "/"), Mode: mode, Uid: owner.User, Gid: owner.Group, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
}

// packEntry writes an entry to the archive, and verifies that it has not changed.
func packEntry(ctx context.Context, archive *tar.Writer, root *os.Root, e entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.link != "" {
		header := header(tar.TypeSymlink, e.name, 0o777, e.owner)
		header.Linkname = e.link
		return archive.WriteHeader(header)
	}
	var file io.ReadCloser
	var err error
	if e.open != nil {
		file, err = e.open()
	} else if file, err = openRegular(root, e.file); errors.Is(err, fs.ErrNotExist) {
		return &ChangedError{e.file}
	}
	if err != nil {
		return err
	}
	defer file.Close()
	header := header(tar.TypeReg, e.name, int64(e.mode.Perm()), e.owner)
	header.Size = e.size
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	// Read one more byte to detect a file that has grown.
	body := contextio.NewReader(ctx, io.LimitReader(file, e.size+1))
	read := sha256.New()
	if e.open == nil { // otherwise the source verifies the content
		body = io.TeeReader(body, read)
	}
	n, err := io.Copy(archive, body)
	switch {
	case errors.Is(err, tar.ErrWriteTooLong):
		return &ChangedError{e.file}
	case err != nil:
		return err
	case n != e.size || e.open == nil && [32]byte(read.Sum(nil)) != e.sum:
		return &ChangedError{e.file}
	}
	return nil
}

// sum returns the digest that h has computed.
func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}
