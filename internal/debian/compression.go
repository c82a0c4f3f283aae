package debian

import (
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow limits the memory in bytes that unpacking takes. xz -9 takes 64 MiB.
const maxWindow = 128 << 20

// decompress returns the plain content of a file whose name says how it is compressed.
func decompress(name string, r io.Reader) (io.ReadCloser, error) {
	switch path.Ext(name) {
	case ".gz":
		return gzip.NewReader(r)
	case ".xz":
		plain, err := newXZ(r)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(plain), nil
	case ".zst":
		plain, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return plain.IOReadCloser(), nil
	case ".tar", "":
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("%s is compressed in a way that is not supported", name)
}

// errTooLarge reports that something is larger than any real one.
var errTooLarge = errors.New("it is larger than any real one when it is unpacked")
