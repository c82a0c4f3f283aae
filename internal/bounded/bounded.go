// Package bounded reads what other programs send, but no more of it than a limit.
package bounded

import (
	"fmt"
	"io"
)

// SizeError reports that a stream has more than Limit bytes.
type SizeError struct{ Limit int64 }

// Error implements error. It names the limit.
func (e *SizeError) Error() string {
	if e.Limit >= 1<<20 {
		return fmt.Sprintf("it has more than %d MiB", e.Limit>>20)
	}
	return fmt.Sprintf("it has more than %d bytes", e.Limit)
}

// ReadAll reads a stream to its end. If the stream has more than limit bytes, ReadAll returns
// the first of them and a *SizeError.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(NewReader(r, limit, &SizeError{limit}))
}

// NewReader returns a reader of a stream. If the stream has more than limit bytes, the reader
// returns the first of them, and then tooLarge.
func NewReader(r io.Reader, limit int64, tooLarge error) io.Reader {
	return &reader{r, limit, tooLarge}
}

// reader is a reader that may return left bytes.
type reader struct {
	io.Reader
	left     int64
	tooLarge error
}

// Read implements io.Reader. It reads one byte more than left, because a stream that ends there
// is not too large.
func (r *reader) Read(b []byte) (int, error) {
	if r.left < 0 {
		return 0, r.tooLarge
	}
	n, err := r.Reader.Read(b[:min(int64(len(b)), r.left+1)])
	if r.left -= int64(n); r.left < 0 {
		return n - 1, r.tooLarge
	}
	return n, err
}
