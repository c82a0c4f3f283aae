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
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		return text[:limit], &SizeError{limit}
	}
	return text, err
}
