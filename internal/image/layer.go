package image

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
)

// level is gzip's fastest that still finds repetitions: layers are sent once and
// unpacked often.
const level = gzip.BestSpeed

// facts of a compressed layer.
type facts struct {
	Digest v1.Hash `json:"digest"`
	DiffID v1.Hash `json:"diff_id"`
	Size   int64   `json:"size"`
}

// pack writes the compressed layer of entries, whose files are below dir, to w.
// The bytes depend on nothing but the entries: they are in order, owned by root,
// and without times. A file that holds something else than when it was read
// before is a *ChangedError.
func pack(ctx context.Context, w io.Writer, dir string, entries []entry) (facts, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return facts{}, err
	}
	defer root.Close()
	compressed, plain := &counter{Hash: sha256.New()}, sha256.New()
	buffer := bufio.NewWriterSize(io.MultiWriter(w, compressed), 256<<10)
	zip, err := gzip.NewWriterLevel(buffer, level)
	if err != nil {
		return facts{}, err
	}
	archive := tar.NewWriter(io.MultiWriter(zip, plain))
	for _, directory := range directories(entries) {
		header := header(tar.TypeDir, directory+"/", 0o755)
		if err := archive.WriteHeader(header); err != nil {
			return facts{}, err
		}
	}
	for _, e := range entries {
		if err := packEntry(ctx, archive, root, e); err != nil {
			return facts{}, err
		}
	}
	if err := errors.Join(archive.Close(), zip.Close(), buffer.Flush()); err != nil {
		return facts{}, err
	}
	return facts{Digest: sum(compressed), DiffID: sum(plain), Size: compressed.n}, nil
}

func header(kind byte, name string, mode int64) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: strings.TrimPrefix(name, "/"), Mode: mode, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
}

func packEntry(ctx context.Context, archive *tar.Writer, root *os.Root, e entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.link != "" {
		header := header(tar.TypeSymlink, e.name, 0o777)
		header.Linkname = e.link
		return archive.WriteHeader(header)
	}
	file, err := openRegular(root, e.file)
	if errors.Is(err, fs.ErrNotExist) {
		return &ChangedError{e.file}
	}
	if err != nil {
		return err
	}
	defer file.Close()
	header := header(tar.TypeReg, e.name, int64(e.mode.Perm()))
	header.Size = e.size
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	read := &counter{Hash: sha256.New()}
	// One byte more tells a file that has grown.
	body := io.TeeReader(&contextReader{ctx, io.LimitReader(file, e.size+1)}, read)
	if _, err := io.Copy(archive, body); errors.Is(err, tar.ErrWriteTooLong) {
		return &ChangedError{e.file}
	} else if err != nil {
		return err
	}
	if read.n != e.size || [32]byte(read.Sum(nil)) != e.sum {
		return &ChangedError{e.file}
	}
	return nil
}

// directories gives all parents of entries, by name.
func directories(entries []entry) []string {
	seen := map[string]bool{}
	for _, e := range entries {
		for at := path.Dir(e.name); at != "/" && !seen[at]; at = path.Dir(at) {
			seen[at] = true
		}
	}
	names := make([]string, 0, len(seen))
	for at := range seen {
		names = append(names, at)
	}
	slices.Sort(names)
	return names
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}
