package debian

import (
	"errors"
	"hash"
	"io"
)

// summing is a reader that hashes and counts what is read.
type summing struct {
	io.Reader
	hash  hash.Hash
	n     int64
	ended bool
}

// Read implements io.Reader.
func (s *summing) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	_, _ = s.hash.Write(b[:n])
	s.n += int64(n)
	s.ended = s.ended || errors.Is(err, io.EOF)
	return n, err
}
