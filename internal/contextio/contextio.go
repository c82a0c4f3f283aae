// Package contextio has a reader that honours a context.
package contextio

import (
	"context"
	"io"
)

// NewReader returns a reader of r whose Read returns the context's error once the context is done.
// It does not interrupt a Read of r.
func NewReader(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx, r} }

type reader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}
