package kubeconfig_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/kubeconfig"
	"github.com/slipway-ci/slipway/internal/source"
)

// TestSystemFiles merges where KUBECONFIG also names a file that the user may not write, which has
// the current context, and one in a directory that is not there. Nobody waits for a lock of these.
func TestSystemFiles(t *testing.T) {
	dir := t.TempDir()
	own, system, missing := filepath.Join(dir, "own"), filepath.Join(dir, "system"), filepath.Join(dir, "mnt", "config")
	write(t, own, "apiVersion: v1\nkind: Config\n")
	write(t, system, others)
	write(t, system+".lock", "")
	if err := os.Chmod(system, 0o400); err != nil {
		t.Fatal(err)
	}
	paths := []string{missing, own, system}
	done, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: paths})
	if err != nil || done.Path != own || read(t, system) != others || entries(t, paths...)["current"] != entry.Name {
		t.Errorf("%+v, %v", done, err)
	}
	if done, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{system, own}, KeepCurrent: true}); err != nil || done.Path != own || done.Current != "prod" {
		t.Errorf("the system's first: %+v, %v", done, err)
	}
	if _, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{system, own}}); err == nil || !strings.Contains(err.Error(), "is read-only") || read(t, system) != others {
		t.Errorf("a current context that counts before: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(missing)); err == nil {
		t.Error("a directory is made for a file that is not written")
	}
}

// TestContent gives the content of a kubeconfig in place of its path. Nothing is written.
func TestContent(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, text := range []string{others, `{"users": [{"name": "me", "user": {"token": "secret"}}]}`} {
		paths := kubeconfig.Files("", func(name string) (string, bool) { return text, name == "KUBECONFIG" })
		_, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: paths})
		if content := new(source.ContentError); !errors.As(err, &content) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
