package wheel

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/flate"
)

// entry is a file in a wheel.
type entry struct {
	// archive is the wheel's path, and name the entry's in it.
	archive, name string
	mode          fs.FileMode
	method        uint16
	// offset and packed are where its bytes are in the wheel.
	offset, packed int64
	size           int64
	crc            uint32
	// record is the hash of the content as RECORD writes it, sum its SHA-256 in
	// hexadecimal. They are known when the wheel has been verified.
	record, sum string
}

// open gives the content, straight from the wheel. Reading it fails when it is
// not of the size and the checksum that the zip's directory says.
func (e *entry) open() (io.ReadCloser, error) {
	file, err := os.Open(e.archive)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.name, err)
	}
	section := io.NewSectionReader(file, e.offset, e.packed)
	r := &entryReader{entry: e, file: file, left: e.size, sum: crc32.NewIEEE()}
	if e.method == zip.Store {
		r.content = section
	} else {
		r.inflate = flate.NewReader(bufio.NewReaderSize(section, int(min(max(e.packed, 16), 64<<10))))
		r.content = r.inflate
	}
	return r, nil
}

// bytes gives the whole content.
func (e *entry) bytes() ([]byte, error) {
	r, err := e.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// start gives the first n bytes of the content.
func (e *entry) start(n int64) ([]byte, error) {
	r, err := e.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, n))
}

type entryReader struct {
	*entry
	file    *os.File
	content io.Reader
	inflate io.ReadCloser
	left    int64
	sum     hash.Hash32
	done    bool
}

func (r *entryReader) Read(b []byte) (int, error) {
	if r.done {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	if r.left == 0 {
		return 0, r.end()
	}
	n, err := r.content.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	_, _ = r.sum.Write(b[:n])
	switch {
	case errors.Is(err, io.EOF) && r.left > 0:
		return n, fmt.Errorf("%s is shorter than the zip says", r.name)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%s is damaged: %w", r.name, err)
	}
	return n, nil
}

// end sees that nothing more comes, and that it was the right content.
func (r *entryReader) end() error {
	var more [1]byte
	if n, err := io.ReadFull(r.content, more[:]); n > 0 {
		return fmt.Errorf("%s is longer than the zip says", r.name)
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s is damaged: %w", r.name, err)
	}
	if r.sum.Sum32() != r.crc {
		return fmt.Errorf("%s has not the checksum that the zip says", r.name)
	}
	r.done = true
	return io.EOF
}

// Close gives the file back.
func (r *entryReader) Close() error {
	if r.inflate != nil {
		return errors.Join(r.inflate.Close(), r.file.Close())
	}
	return r.file.Close()
}
