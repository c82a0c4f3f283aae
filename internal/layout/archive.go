package layout

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
)

const (
	// maxEntries limits how many files an archive may have. An image has two for each layer and
	// a few more.
	maxEntries = 1 << 16
	// maxLinks limits how many links are followed from one file of an archive to another.
	maxLinks = 8
)

// archive is an archive on disk. Only its headers have been read.
type archive struct {
	dir, path string
	entries   map[string]member
}

// member is a file of an archive, or a link to another one.
type member struct {
	offset, size int64
	link         string
}

// indexArchive reads the headers of an archive.
func indexArchive(dir, name string) (files, error) {
	file, err := openFile(dir, name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &Error{Problem: "does not exist"}
		}
		return nil, &Error{Problem: "cannot be read", Err: cause(err)}
	}
	defer file.Close()
	start := make([]byte, 4)
	if n, _ := io.ReadFull(file, start); layerType(start[:n]) != layerType(nil) {
		return nil, &Error{Problem: "is compressed", Hint: "unpack it once: gunzip " + filepath.Base(name) + ", or zstd -d"}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, &Error{Problem: "cannot be read", Err: cause(err)}
	}
	info, err := file.Stat()
	if err != nil {
		return nil, &Error{Problem: "cannot be read", Err: cause(err)}
	}
	a := &archive{dir: dir, path: name, entries: map[string]member{}}
	headers := tar.NewReader(file) // seeks over the content
	for n := 0; ; n++ {
		h, err := headers.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, &Error{Problem: "is not a tar archive, or is damaged", Hint: "docker save, skopeo copy docker-archive:FILE and crane pull make such archives", Err: err}
		}
		if n >= maxEntries {
			return nil, &Error{Problem: fmt.Sprintf("has more than %d files", maxEntries)}
		}
		at, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, &Error{Problem: "cannot be read", Err: cause(err)}
		}
		switch name := path.Join("/", h.Name)[1:]; {
		case h.Typeflag == tar.TypeReg && at+h.Size <= info.Size():
			a.entries[name] = member{offset: at, size: h.Size}
		case h.Typeflag == tar.TypeReg:
			return nil, &Error{Problem: "is incomplete: it ends within " + h.Name}
		case h.Typeflag == tar.TypeSymlink: // docker save writes equal layers once
			a.entries[name] = member{link: path.Join("/", path.Dir(h.Name), h.Linkname)[1:]}
		case h.Typeflag == tar.TypeLink:
			a.entries[name] = member{link: path.Join("/", h.Linkname)[1:]}
		}
	}
}

func (a *archive) open(name string) (io.ReadCloser, int64, error) {
	m, ok := a.entries[name]
	for n := 0; ok && m.link != ""; n++ {
		if n == maxLinks {
			return nil, 0, &Error{Problem: "has too many links from " + name}
		}
		m, ok = a.entries[m.link]
	}
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	file, err := openFile(a.dir, a.path)
	if err != nil {
		return nil, 0, err
	}
	return &section{io.NewSectionReader(file, m.offset, m.size), file}, m.size, nil
}

// section is a part of a file.
type section struct {
	io.Reader
	io.Closer
}

// start returns the first bytes of a file.
func start(f files, name string) ([]byte, error) {
	stream, _, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var b bytes.Buffer
	_, err = io.CopyN(&b, stream, 4)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b.Bytes(), err
}
