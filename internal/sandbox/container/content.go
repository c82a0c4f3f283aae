package container

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// content is a layer as it is kept on disk, once for all images that contain it: its
// entries in order, and the content of its non-empty files, which are named by number.
type content struct {
	dir     string
	Entries []contentEntry
}

// contentEntry is what unpacking an image needs to know about an entry of a layer's
// archive.
type contentEntry struct {
	Name, Link string
	Type       byte
	Mode       int64
	Time       time.Time
	// File is the number of the file with the entry's content, 0 for none.
	File int
	Size int64
}

func (e *contentEntry) header() *tar.Header {
	return &tar.Header{Name: e.Name, Linkname: e.Link, Typeflag: e.Type, Mode: e.Mode, ModTime: e.Time, Size: e.Size}
}

// The entries of a layer's directory.
const (
	filesEntry   = "files"
	entriesEntry = "entries"
)

func (c *content) file(n int) string { return filepath.Join(c.dir, filesEntry, strconv.Itoa(n)) }

// size returns the total size of the layer's files in bytes.
func (c *content) size() int64 {
	var total int64
	for _, e := range c.Entries {
		total += e.Size
	}
	return total
}

// openContent opens a layer that is on disk. It returns an error if the size or the
// modification time of one of its files is not what unpackLayer recorded.
func openContent(dir string) (*content, error) {
	c := &content{dir: dir}
	if err := readList(filepath.Join(dir, entriesEntry), &c.Entries); err != nil {
		return nil, err
	}
	for i := range c.Entries {
		e := &c.Entries[i]
		if e.File == 0 {
			continue
		}
		info, err := os.Lstat(c.file(e.File))
		if err != nil {
			return nil, err
		}
		if info.Size() != e.Size || !info.ModTime().Equal(e.Time) {
			return nil, fmt.Errorf("%s: %w", c.file(e.File), errDamaged)
		}
	}
	return c, nil
}

var errDamaged = errors.New("it was changed since it was unpacked")

// unpackLayer writes a layer's content to the new directory dir.
func unpackLayer(ctx context.Context, dir string, from v1.Layer) error {
	if err := os.MkdirAll(filepath.Join(dir, filesEntry), 0o700); err != nil {
		return err
	}
	stream, err := from.Uncompressed()
	if err != nil {
		return err
	}
	defer stream.Close()
	c := &content{dir: dir}
	if err := c.read(ctx, tar.NewReader(stream)); err != nil {
		return err
	}
	// The digest is checked at the end of the stream, which is beyond the archive's end.
	if _, err := io.Copy(io.Discard, stream); err != nil {
		return err
	}
	return writeList(filepath.Join(dir, entriesEntry), c.Entries)
}

func (c *content) read(ctx context.Context, archive *tar.Reader) error {
	files, err := os.OpenRoot(filepath.Join(c.dir, filesEntry))
	if err != nil {
		return err
	}
	defer files.Close()
	number := 0
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		e := contentEntry{Name: header.Name, Link: header.Linkname, Type: header.Typeflag, Mode: header.Mode, Time: header.ModTime}
		if header.Typeflag == tar.TypeReg && header.Size > 0 {
			number++
			e.File, e.Size = number, header.Size
			if err := writeFile(files, strconv.Itoa(number), archive, header.FileInfo()); err != nil {
				return fmt.Errorf("entry %q: %w", header.Name, err)
			}
			// The file system may store times with less precision than the archive has.
			info, err := files.Lstat(strconv.Itoa(number))
			if err != nil {
				return err
			}
			e.Time = info.ModTime()
		}
		c.Entries = append(c.Entries, e)
	}
}

// apply puts a layer on top of those below it. Files are hard links to the layer's files,
// or copies if the file system refuses links. Nothing ever writes to them.
func (c *content) apply(t *tree) error {
	l := layer{tree: t, written: map[string]bool{}}
	for i := range c.Entries {
		e := &c.Entries[i]
		header := e.header()
		if err := l.entry(header, func(dir directory, base string) error { return c.put(t, dir, base, e, header.FileInfo()) }); err != nil {
			return fmt.Errorf("entry %q: %w", e.Name, err)
		}
	}
	return nil
}

func (c *content) put(t *tree, dir directory, base string, e *contentEntry, info fs.FileInfo) error {
	if e.File == 0 {
		return writeFile(dir.root, base, emptyFile{}, info)
	}
	// The directory's path has no symbolic links, and nobody else changes the tree.
	at := filepath.Join(t.root.Name(), filepath.FromSlash(dir.path), base)
	if os.Link(c.file(e.File), at) == nil {
		return nil
	}
	in, err := os.Open(c.file(e.File))
	if err != nil {
		return err
	}
	defer in.Close()
	return writeFile(dir.root, base, in, info)
}

type emptyFile struct{}

func (emptyFile) Read([]byte) (int, error) { return 0, io.EOF }

// counted is a layer that reports how many of its compressed bytes were read.
type counted struct {
	v1.Layer
	read func(n int)
}

// Compressed implements [partial.CompressedLayer].
func (l counted) Compressed() (io.ReadCloser, error) {
	stream, err := l.Layer.Compressed()
	if err != nil {
		return nil, err
	}
	return &countedStream{stream, l.read}, nil
}

// count returns a layer that calls read with the number of bytes of each read.
func count(from v1.Layer, read func(n int)) (v1.Layer, error) {
	return partial.CompressedToLayer(counted{from, read})
}

type countedStream struct {
	io.ReadCloser
	read func(n int)
}

func (s *countedStream) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	s.read(n)
	return n, err
}
