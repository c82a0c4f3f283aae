//go:build unix

package config

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipesAreNotConfiguration checks that Load refuses a pipe and a device, which it
// could read forever.
func TestPipesAreNotConfiguration(t *testing.T) {
	pipe, zero := filepath.Join(t.TempDir(), FileName), filepath.Join(t.TempDir(), FileName)
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", zero); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "is a pipe, not a file", zero: "is not a regular file"} {
		if _, err := Load(path, Options{}); err == nil || err.Error() != path+": "+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
