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
	// archive is the wheel's path, and name the entry's in it.
	archive, name string
	mode          fs.FileMode
	method        uint16
	// offset and packed are where its bytes are in the wheel.
	offset, packed int64
	size           int64
	crc            uint32
	// sum is the SHA-256 of the content, in hexadecimal: what RECORD says, which reading
	// it must give, or what was read where RECORD says nothing. It is empty until then.
	sum string
}

// Deflated is a file's content as its wheel has it: a deflate stream (RFC 1951), which
// can go into a gzip stream as it is.
type Deflated struct {
	// Size is how long the stream is, and CRC the checksum of the content.
	Size int64
	CRC  uint32
	// Copy writes the content to plain, and to packed the stream that it is read from. It
	// fails when the content is not what the wheel says.
	Copy func(plain, packed io.Writer) error
}

// deflated gives the content's stream, nil where the wheel has the content as it is.
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
	if err == nil && r.beyond() {
		err = fmt.Errorf("%s is damaged: something follows its content", e.name)
	}
	return errors.Join(err, r.Close())
}

// open gives the content, straight from the wheel. Reading it fails when it is
// not of the size and the checksum that the zip's directory says, or of another hash
// than RECORD says.
func (e *entry) open() (io.ReadCloser, error) {
	file, err := os.Open(e.archive)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.name, err)
	}
	return e.reader(file, io.NewSectionReader(file, e.offset, e.packed)), nil
}

// reader reads the content from where it is in a wheel.
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
	if r.crc.Sum32() != r.entry.crc {
		return fmt.Errorf("%s has not the checksum that the zip says", r.name)
	}
	if r.hash != nil && hex.EncodeToString(r.hash.Sum(nil)) != r.sum {
		return r.unlike()
	}
	r.done = true
	return io.EOF
}

// beyond tells whether something follows the end of the deflate stream.
func (r *entryReader) beyond() bool {
	_, err := r.packed.ReadByte()
	return err == nil
}

// Close gives the file back.
func (r *entryReader) Close() error {
	if r.inflate != nil {
		return errors.Join(r.inflate.Close(), r.file.Close())
	}
	return r.file.Close()
}
