package wheel

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
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
	// archive is the wheel's path, and name the entry's path in it.
	archive, name string
	mode          fs.FileMode
	method        uint16
	// offset and packed are the position and the length of its bytes in the wheel.
	offset, packed int64
	size           int64
	crc            uint32
	// sum is the SHA-256 of the content, in hexadecimal. It is the hash in RECORD, which
	// the content must match, or one computed from the content where RECORD has none. It is
	// empty until it is known.
	sum string
}

// Deflated is a file's content as it is stored in the wheel: a deflate stream (RFC 1951),
// which can be copied into a gzip stream unchanged.
type Deflated struct {
	// Size is the length of the stream in bytes, and CRC the CRC-32 of the content.
	Size int64
	CRC  uint32
	// Copy writes the content to plain, and the stream that it is read from to packed. It
	// returns an error if the content does not match the size, the CRC or the hash that the
	// wheel has for it.
	Copy func(plain, packed io.Writer) error
}

// deflated returns the content's stream, or nil if the wheel stores the content
// uncompressed.
func (e *entry) deflated() *Deflated {
	if e.method != zip.Deflate {
		return nil
	}
	return &Deflated{Size: e.packed, CRC: e.crc, Copy: e.copy}
}

func (e *entry) copy(plain, packed io.Writer) error {
	file, err := os.Open(e.archive)
	if err != nil {
		return fmt.Errorf("read %s: %w", e.name, err)
	}
	r := e.reader(file, io.TeeReader(io.NewSectionReader(file, e.offset, e.packed), packed))
	_, err = io.Copy(plain, r)
	if err == nil && r.hasTrailingData() {
		err = fmt.Errorf("%s is damaged: it has trailing data", e.name)
	}
	return errors.Join(err, r.Close())
}

// open opens the content for reading, straight from the wheel. Reading returns an error if
// the content does not have the size and the checksum in the zip's directory, or the hash
// in RECORD.
func (e *entry) open() (io.ReadCloser, error) {
	file, err := os.Open(e.archive)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.name, err)
	}
	return e.reader(file, io.NewSectionReader(file, e.offset, e.packed)), nil
}

// reader returns a reader of the content, which takes its bytes from section.
func (e *entry) reader(file *os.File, section io.Reader) *entryReader {
	r := &entryReader{entry: e, file: file, left: e.size, crc: crc32.NewIEEE()}
	if e.sum != "" {
		r.hash = sha256.New()
	}
	if e.method == zip.Store {
		r.content = section
		return r
	}
	r.packed = bufio.NewReaderSize(section, int(min(max(e.packed, 16), 64<<10)))
	r.inflate = flate.NewReader(r.packed)
	r.content = r.inflate
	return r
}

// bytes returns the whole content.
func (e *entry) bytes() ([]byte, error) {
	r, err := e.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// start returns the first n bytes of the content.
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
	packed  *bufio.Reader
	inflate io.ReadCloser
	left    int64
	crc     hash.Hash32
	hash    hash.Hash
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
	_, _ = r.crc.Write(b[:n])
	if r.hash != nil {
		_, _ = r.hash.Write(b[:n])
	}
	switch {
	case errors.Is(err, io.EOF) && r.left > 0:
		return n, fmt.Errorf("%s is shorter than the zip directory says", r.name)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%s is damaged: %w", r.name, err)
	}
	return n, nil
}

// end checks that no more data follows, and that the checksum and the hash are right.
func (r *entryReader) end() error {
	var more [1]byte
	if n, err := io.ReadFull(r.content, more[:]); n > 0 {
		return fmt.Errorf("%s is longer than the zip directory says", r.name)
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s is damaged: %w", r.name, err)
	}
	if r.crc.Sum32() != r.entry.crc {
		return fmt.Errorf("%s does not have the checksum in the zip directory", r.name)
	}
	if r.hash != nil && hex.EncodeToString(r.hash.Sum(nil)) != r.sum {
		return r.hashMismatch()
	}
	r.done = true
	return io.EOF
}

// hasTrailingData reports whether data follows the end of the deflate stream.
func (r *entryReader) hasTrailingData() bool {
	_, err := r.packed.ReadByte()
	return err == nil
}

// Close closes the wheel's file.
func (r *entryReader) Close() error {
	if r.inflate != nil {
		return errors.Join(r.inflate.Close(), r.file.Close())
	}
	return r.file.Close()
}
