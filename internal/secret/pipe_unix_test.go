//go:build unix

package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipe reads a secret from a pipe, once, and does not wait for one longer than its
// context lives.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	r := &Resolver{Dir: dir}
	go func() {
		writer, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return
		}
		defer writer.Close()
		_, _ = writer.WriteString(canary)
	}()
	reader, err := os.Open(path) // there is a writer now
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for range 2 {
		if v, err := r.Resolve(t.Context(), Source{SchemeFile, "pipe"}); err != nil || string(v.Reveal()) != canary {
			t.Errorf("%v", err)
		}
	}
	held, err := os.OpenFile(path, os.O_RDWR, 0) // a writer that says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ctx, cancel := context.WithCancel(t.Context())
	other := &Resolver{Dir: dir}
	ended := make(chan error, 1)
	go func() {
		_, err := other.Resolve(ctx, Source{SchemeFile, "pipe"})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
