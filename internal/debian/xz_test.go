package debian

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/ulikunitz/xz"
)

// packXZ compresses text with a window, in blocks of a size.
func packXZ(t testing.TB, text []byte, window int, block int64, check byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: window, BlockSize: block, CheckSum: check, NoCheckSum: check == 0}.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestXZ reads files of several blocks and streams, with each check, and with padding, also byte by byte.
func TestXZ(t *testing.T) {
	t.Parallel()
	noise := rand.New(rand.NewPCG(1, 2))
	text := bytes.Repeat([]byte("a line of text that packs well\n"), 5000)
	for range 200_000 { // chunks that are not compressed
		text = append(text, byte(noise.Uint32()))
	}
	for _, check := range []byte{0, xz.CRC32, xz.CRC64, xz.SHA256} {
		one := packXZ(t, text, 1<<20, 70_001, check)
		two := append(append(bytes.Clone(one), 0, 0, 0, 0), packXZ(t, nil, 1<<16, 1<<20, check)...)
		two = append(two, one...)
		for name, c := range map[string]struct{ packed, want []byte }{"a stream": {one, text}, "streams": {two, append(bytes.Clone(text), text...)}} {
			for _, from := range []io.Reader{bytes.NewReader(c.packed), iotest.OneByteReader(bytes.NewReader(c.packed))} {
				plain, err := newXZ(from)
				if err != nil {
					t.Fatal(name, err)
				}
				if got, err := io.ReadAll(plain); err != nil || !bytes.Equal(got, c.want) {
					t.Errorf("%s with check %d: %d bytes of %d, %v", name, check, len(got), len(c.want), err)
				}
			}
		}
	}
}

// TestXZWindow refuses a block with a window of 4 GiB, wherever it is, before the memory is taken.
func TestXZWindow(t *testing.T) {
	t.Parallel()
	good, huge := packXZ(t, []byte("good"), maxWindow, 1<<20, xz.CRC64), packXZ(t, []byte("huge"), 1<<16, 1<<20, xz.CRC64)
	const header = 12 // of the stream, after which is that of the block: size, flags, filter, its size, window
	huge[header+4] = 40
	size := (int(huge[header]) + 1) * 4
	binary.LittleEndian.PutUint32(huge[header+size-4:], crc32.ChecksumIEEE(huge[header:header+size-4]))
	read := func(packed []byte) error {
		plain, err := newXZ(bytes.NewReader(packed))
		if err == nil {
			_, err = io.Copy(io.Discard, plain)
		}
		return err
	}
	if err := read(good); err != nil {
		t.Errorf("the largest window: %v", err)
	}
	for name, packed := range map[string][]byte{"in the first stream": huge, "in the second one": append(bytes.Clone(good), huge...)} {
		if err := read(packed); !errors.Is(err, errWindow) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good = packXZ(t, []byte("good"), 1<<16, 1<<20, xz.CRC64)
	for n := range len(good) - 1 { // what is cut off or damaged does not hang, and is never taken for whole
		damaged := bytes.Clone(good)
		damaged[n+1] ^= 0xff
		if read(good[:n+1]) == nil || read(damaged) == nil {
			t.Errorf("cut off or damaged at byte %d of %d", n+1, len(good))
		}
	}
}
