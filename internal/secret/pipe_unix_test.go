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

// TestPipe reads a secret from a pipe, once, and stops waiting when its context is
// cancelled.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	r := &Resolver{Dir: dir}
	// The pipe keeps what is written into it while it is open for reading.
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := os.WriteFile(path, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if v, err := r.Resolve(t.Context(), Source{"file", "pipe"}); err != nil || string(v.Reveal()) != canary {
			t.Errorf("%v", err)
		}
	}
	held, err := os.OpenFile(path, os.O_RDWR, 0) // a writer that writes nothing
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ctx, cancel := context.WithCancel(t.Context())
	other := &Resolver{Dir: dir}
	ended := make(chan error, 1)
	go func() {
		_, err := other.Resolve(ctx, Source{"file", "pipe"})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
