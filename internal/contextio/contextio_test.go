package contextio

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReader(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := NewReader(ctx, strings.NewReader("ab"))
	if n, err := io.ReadFull(r, make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("before the end of the context: %d, %v", n, err)
	}
	cancel()
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after it: %d, %v", n, err)
	}
}
