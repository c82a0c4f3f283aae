//go:build unix

package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600), os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600),
		os.Symlink("/dev/zero", filepath.Join(dir, "zero")), os.Symlink("file", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]string{"pipe": "is a pipe, not a file", "zero": "is not a regular file", ".": "is a directory, not a file"} {
		var irregular *source.IrregularError
		if _, err := source.ReadFile(nil, filepath.Join(dir, name), 10); !errors.As(err, &irregular) || irregular.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := source.Open(root, name); err == nil || name != "zero" && !errors.As(err, &irregular) {
			t.Errorf("%s below a root: %v", name, err)
		}
	}
	for _, name := range []string{"file", "link"} {
		if text, err := source.ReadFile(root, name, 3); err != nil || string(text) != "tex" {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
}
