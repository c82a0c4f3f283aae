//go:build unix

package file_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
)

// TestPipesAreNotFiles checks that neither a pipe nor a device is read, because reading
// one may never end.
func TestPipesAreNotFiles(t *testing.T) {
	dir := polyaxonfiletest.Tree(t, map[string]string{"op.yml": "kind: operation\npathRef: pipe\n"})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	for name, want := range map[string]string{
		filepath.Join(dir, "op.yml"): "pipe: is a pipe, not a file",
		filepath.Join(dir, "pipe"):   "is a pipe, not a file",
		"/dev/zero":                  "is not a regular file",
	} {
		if _, err := check.Read(t.Context(), (file.Reader{}), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
