package rootfs

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// File names by which a layer hides files of the layers below it. See the OCI image
// specification, Image Layer Filesystem Changeset.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

const (
	// maxNodes limits how many entries of a layer are kept. Real images have some ten thousand
	// directories and links at most.
	maxNodes = 1 << 20
	// maxPath limits a path and the target of a link, in bytes, as Linux does, and maxPaths all that
	// are kept of a layer together. Tar has names of a megabyte, which take next to nothing when they
	// are compressed.
	maxPath, maxPaths = 4096, 128 << 20
	// maxUnpacked limits the size of a layer when it is unpacked, in bytes. The largest layers of
	// real images have some 20 GB.
	maxUnpacked = 128 << 30
	// maxWindow limits the memory that unpacking zstd takes, as the command zstd does without
	// --long.
	maxWindow = 128 << 20
)

var programName = lazyregexp.New(`^python(?:3(?:\.[0-9]+)?)?$`)

// Read reads a layer: a tar archive, uncompressed or compressed by gzip or zstd. It fails
// if the archive is malformed, has more than 1<<20 directories and links, paths that Linux does not
// have, or more than 128 GiB when it is unpacked.
func Read(r io.Reader) (*Layer, error) { return readWithin(r, maxNodes, maxPaths) }

// readWithin is Read with limits of its own.
func readWithin(r io.Reader, maxNodes, maxPaths int) (*Layer, error) {
	plain, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	l := &Layer{Nodes: map[string]Node{}, Libcs: map[string]Libc{}}
	archive := tar.NewReader(&limited{plain, maxUnpacked})
	for paths := 0; ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive of a layer: %w", err)
		}
		if len(h.Name) > maxPath || len(h.Linkname) > maxPath {
			return nil, fmt.Errorf("a layer has a path of %d bytes, and Linux has none of more than %d", max(len(h.Name), len(h.Linkname)), maxPath)
		}
		had := l.entries()
		if err := l.add(h, archive); err != nil {
			return nil, err
		}
		if l.entries() > had {
			paths += len(h.Name) + len(h.Linkname)
		}
		if l.entries() > maxNodes || paths > maxPaths {
			return nil, fmt.Errorf("a layer has more than %d directories and symbolic links, or more than %d bytes of their names", maxNodes, maxPaths)
		}
	}
}

// entries returns how many entries of the archive are kept.
func (l *Layer) entries() int {
	return len(l.Nodes) + len(l.Hidden) + len(l.Opaque) + len(l.Libcs) + len(l.Files)
}

// add records an entry of the archive if it matters.
func (l *Layer) add(h *tar.Header, content io.Reader) error {
	name := path.Join("/", h.Name)
	dir, base := path.Split(name)
	switch {
	case base == opaque:
		l.Opaque = append(l.Opaque, path.Clean(dir))
		return nil
	case strings.HasPrefix(base, whiteout):
		l.Hidden = append(l.Hidden, dir+strings.TrimPrefix(base, whiteout))
		return nil
	}
	n := Node{Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid}
	switch h.Typeflag {
	case tar.TypeDir:
		n.Kind = Directory
	case tar.TypeSymlink:
		n.Kind, n.Target = Link, h.Linkname
	case tar.TypeReg, tar.TypeLink:
		if isLibc(base) && h.Typeflag == tar.TypeReg {
			c, err := readLibc(base, content)
			if err != nil {
				return err
			}
			l.Libcs[name] = c
		}
		if isPackageFile(name) {
			return l.addFile(name, h, content)
		}
		if !programName.MatchString(base) || n.Mode&0o111 == 0 {
			return nil
		}
		n.Kind = Program
		start := make([]byte, 8<<10) // the path of the loader is near the beginning
		had, err := io.ReadFull(content, start)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return err
		}
		n.Libc = loader(start[:had])
	default:
		return nil
	}
	l.Nodes[name] = n
	return nil
}

// decompress detects the compression from the first bytes, because media types are not
// reliable.
func decompress(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	start, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return gzip.NewReader(buffered)
	case bytes.Equal(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(buffered), nil
}

// limited is a reader that fails after left bytes.
type limited struct {
	io.Reader
	left int64
}

// Read implements io.Reader.
func (r *limited) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, fmt.Errorf("a layer has more than %d GiB when it is unpacked", maxUnpacked>>30)
	}
	n, err := r.Reader.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	return n, err
}
