//go:build unix

package google_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// TestPipe reads a key from a pipe, as a shell's <(...) makes one, and stops waiting for a
// pipe to which nobody writes when its context is cancelled.
func TestPipe(t *testing.T) {
	s := googletest.New(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	options := s.Options()
	options.Lookup = environment(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": pipe})
	// The pipe keeps what is written into it while it is open for reading.
	reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	account := s.Account("deployer")
	if err := os.WriteFile(pipe, s.NewKey(account), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := google.Find(t.Context(), options); err != nil || found.Identity().Name != account {
		t.Errorf("%v", err)
	}
	held, err := os.OpenFile(pipe, os.O_RDWR, 0) // a writer that writes nothing
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := google.Find(ctx, options)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
