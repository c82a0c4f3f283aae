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
	// maxNodes limits how much of a layer is kept. Real images have some ten thousand
	// directories and links at most.
	maxNodes = 1 << 20
	// maxUnpacked limits the size of a layer when it is unpacked, in bytes. The largest layers of
	// real images have some 20 GB.
	maxUnpacked = 128 << 30
	// maxWindow limits the memory that unpacking zstd takes, as the command zstd does without
	// --long.
	maxWindow = 128 << 20
)

var programName = lazyregexp.New(`^python(?:3(?:\.[0-9]+)?)?$`)

// Read reads a layer: a tar archive, uncompressed or compressed by gzip or zstd. It fails
// if the archive is malformed, has more than 1<<20 directories and links, or more than 128 GiB when
// it is unpacked.
func Read(r io.Reader) (*Layer, error) {
	plain, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	l := &Layer{Nodes: map[string]Node{}, Libcs: map[string]Libc{}}
	archive := tar.NewReader(&limited{plain, maxUnpacked})
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive of a layer: %w", err)
		}
		if err := l.add(h, archive); err != nil {
			return nil, err
		}
		if len(l.Nodes)+len(l.Hidden)+len(l.Opaque) > maxNodes {
			return nil, fmt.Errorf("a layer has more than %d directories and symbolic links", maxNodes)
		}
	}
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
