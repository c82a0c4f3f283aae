package debian

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/ulikunitz/xz"
)

// newXZ returns the plain content of an xz file. It refuses a file that takes more than maxWindow
// bytes of memory to unpack: a file can ask for 4 GiB, and the library gives it.
func newXZ(r io.Reader) (io.Reader, error) {
	windows := &xzWindows{r: bufio.NewReaderSize(r, 256<<10)}
	return xz.NewReader(bufio.NewReaderSize(windows, 256<<10))
}

// errWindow reports a file that takes too much memory to unpack.
var errWindow = fmt.Errorf("unpacking it takes more than %d MiB of memory", maxWindow>>20)

// xzWindows passes an xz file on, and checks the size of the window of each block before the block.
// It follows the structure of the file, and leaves what is malformed to who reads it. See The .xz
// File Format, version 1.2.1, sections 2 to 4, and for the chunks of LZMA2 the comments of
// lzma2_decoder.c of XZ Utils.
type xzWindows struct {
	r *bufio.Reader
	// head is what was looked at and is passed on first, and then follow bytes of content.
	head   []byte
	follow int64
	next   func(*xzWindows) error
	// check is the size of the checksum of a block, and packed that of the chunks of a block, or of
	// the index, so far.
	check, packed int64
	// numbers are those of the index that are left.
	numbers uint64
}

// Read implements io.Reader.
func (x *xzWindows) Read(p []byte) (int, error) {
	if x.next == nil {
		x.next = (*xzWindows).stream
	}
	for len(x.head) == 0 && x.follow == 0 {
		if err := x.next(x); err != nil {
			return 0, err
		}
	}
	if len(x.head) > 0 {
		n := copy(p, x.head)
		x.head = x.head[n:]
		return n, nil
	}
	n, err := x.r.Read(p[:min(int64(len(p)), x.follow)])
	if x.follow -= int64(n); errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// take passes on the next bytes, and returns them. It returns nil if the file ends within them.
func (x *xzWindows) take(n int) ([]byte, error) {
	part := make([]byte, n)
	n, err := io.ReadFull(x.r, part)
	x.head = append(x.head, part[:n]...)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		x.next = (*xzWindows).cut
		return nil, nil
	}
	return part[:n], err
}

// cut reports that the file ends too early, which the library takes for its end at some places.
func (*xzWindows) cut() error { return io.ErrUnexpectedEOF }

// rest passes on all that is left, which is malformed.
func (x *xzWindows) rest() error {
	x.follow = math.MaxInt64
	return nil
}

// stream reads the header of a stream, or padding before it.
func (x *xzWindows) stream() error {
	if _, err := x.r.Peek(1); err != nil { // io.EOF, where a file may end
		return err
	}
	start, err := x.take(4)
	if err != nil || start == nil || bytes.Equal(start, make([]byte, 4)) {
		return err
	}
	header, err := x.take(8)
	if err != nil || header == nil {
		return err
	}
	// the sizes of the checks by their numbers: none, CRC32, CRC64, SHA-256
	x.check = []int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[header[3]&0xf]
	x.next = (*xzWindows).block
	return nil
}

// block reads the header of a block, or the index after the last one.
func (x *xzWindows) block() error {
	size, err := x.r.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return x.cut()
	case err != nil:
		return err
	case size[0] == 0:
		x.next = (*xzWindows).index
		return nil
	}
	header, err := x.take((int(size[0]) + 1) * 4)
	if err != nil || header == nil {
		return err
	}
	x.packed, x.next = 0, (*xzWindows).chunk
	return checkWindow(header)
}

// checkWindow checks the size of the window in the header of a block.
func checkWindow(header []byte) error {
	flags, fields := header[1], bytes.NewReader(header[2:len(header)-4])
	number := func() uint64 {
		n, err := binary.ReadUvarint(fields)
		if err != nil {
			return 0
		}
		return n
	}
	for _, has := range []byte{0x40, 0x80} { // the sizes of the block
		if flags&has != 0 {
			number()
		}
	}
	for range flags&3 + 1 {
		const lzma2 = 0x21
		id, properties := number(), make([]byte, min(number(), uint64(fields.Len())))
		_, _ = fields.Read(properties)
		if id != lzma2 || len(properties) != 1 {
			continue
		}
		// 2 or 3 times a power of two, from 4 KiB on
		if bits := properties[0] & 0x3f; uint64(2|bits&1)<<(bits/2+11) > maxWindow {
			return errWindow
		}
	}
	return nil
}

// chunk passes on a chunk of LZMA2, or the end of a block.
func (x *xzWindows) chunk() error {
	control, err := x.take(1)
	if err != nil || control == nil {
		return err
	}
	x.packed++
	var header, size int
	switch c := control[0]; {
	case c == 0:
		x.follow, x.next = (4-x.packed%4)%4+x.check, (*xzWindows).block
		return nil
	case c < 3: // not compressed
		header, size = 2, 0
	case c < 0x80:
		x.next = (*xzWindows).rest
		return nil
	case c < 0xc0:
		header, size = 4, 2
	default: // with properties
		header, size = 5, 2
	}
	sizes, err := x.take(header)
	if err != nil || sizes == nil {
		return err
	}
	x.follow = int64(binary.BigEndian.Uint16(sizes[size:])) + 1
	x.packed += int64(header) + x.follow
	return nil
}

// index passes on the index of a stream up to its records, of which each is two numbers.
func (x *xzWindows) index() error {
	x.packed = 0
	if _, err := x.number(); err != nil { // the zero that begins it
		return err
	}
	records, err := x.number()
	x.numbers, x.next = 2*min(records, 1<<62), (*xzWindows).record
	return err
}

// record passes on a number of a record, or what follows the last one and ends the stream.
func (x *xzWindows) record() error {
	if x.numbers == 0 {
		const crc, footer = 4, 12
		x.follow, x.next = (4-x.packed%4)%4+crc+footer, (*xzWindows).stream
		return nil
	}
	x.numbers--
	_, err := x.number()
	return err
}

// number passes on a number of up to nine bytes, and returns it.
func (x *xzWindows) number() (n uint64, err error) {
	for shift := 0; shift < 63; shift += 7 {
		b, err := x.take(1)
		if err != nil || b == nil {
			return 0, err
		}
		x.packed++
		n |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			break
		}
	}
	return n, nil
}
