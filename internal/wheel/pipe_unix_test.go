//go:build unix

package wheel

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNamedPipeAsLock uses a named pipe as a lock, to which nothing writes.
func TestNamedPipeAsLock(t *testing.T) {
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "uv.lock"}
	if err := syscall.Mkfifo(filepath.Join(s.Dir, s.Lock), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.reader()(s.Lock); err == nil || !strings.Contains(err.Error(), "uv.lock cannot be read: is a pipe") {
		t.Errorf("%v", err)
	}
}
