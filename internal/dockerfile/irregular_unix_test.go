//go:build unix

package dockerfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPipesInTheContext has pipes in place of the Dockerfile and of the files beside it, and of a file
// that was a regular one. Nothing waits for them.
func TestPipesInTheContext(t *testing.T) {
	for _, name := range []string{"Dockerfile", ".dockerignore", "Dockerfile.dockerignore"} {
		dir := t.TempDir()
		if name != "Dockerfile" {
			write(t, dir, map[string]string{"Dockerfile": "FROM scratch\n"})
		}
		if err := unix.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(t.Context(), Spec{Name: "app", Dir: dir}); err == nil || !strings.Contains(err.Error(), "is a pipe") && name != "Dockerfile" {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "data"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	opened := make(chan error, 1)
	go func() {
		_, err := newTree(root).Open("data")
		opened <- err
	}()
	select {
	case err := <-opened:
		if err == nil {
			t.Error("a pipe is read")
		}
	case <-time.After(10 * time.Second):
		t.Error("opening a pipe waits for its writer")
	}
}
