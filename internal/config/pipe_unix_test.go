//go:build unix

package config

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipesAreNoConfiguration has what never ends in the place of slipway.yaml.
func TestPipesAreNoConfiguration(t *testing.T) {
	pipe, zero := filepath.Join(t.TempDir(), FileName), filepath.Join(t.TempDir(), FileName)
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", zero); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "is a pipe, not a file", zero: "is no regular file"} {
		if _, err := Load(path, Options{}); err == nil || err.Error() != path+": "+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
