package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// verified is a stream that fails at its end if its content does not have a digest.
type verified struct {
	io.ReadCloser
	hash hash.Hash
	want v1.Hash
}

func newVerified(stream io.ReadCloser, want v1.Hash) *verified {
	return &verified{stream, sha256.New(), want}
}

// Read implements io.Reader.
func (v *verified) Read(b []byte) (int, error) {
	n, err := v.ReadCloser.Read(b)
	_, _ = v.hash.Write(b[:n])
	if errors.Is(err, io.EOF) {
		if have := hex.EncodeToString(v.hash.Sum(nil)); have != v.want.Hex {
			return n, &Error{Problem: "is damaged: the content of " + v.want.String() + " has the digest sha256:" + have, Hint: "make it again"}
		}
	}
	return n, err
}
