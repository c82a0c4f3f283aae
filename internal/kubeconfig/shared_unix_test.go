//go:build unix

package kubeconfig_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/kubeconfig"
)

// TestSharedDirectory writes a kubeconfig in a directory that all users can write. What another
// user has put there must not make slipway write elsewhere, nor read what others wrote.
func TestSharedDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a link of another user")
	}
	const other = 12345
	dir, home := t.TempDir(), t.TempDir()
	if err := os.Chmod(dir, 0o1777); err != nil { //nolint:gosec // as /tmp has it
		t.Fatal(err)
	}
	victim := filepath.Join(home, "victim")
	for name, target := range map[string]string{"config": victim, "dangling": filepath.Join(home, "new")} {
		write(t, victim, "# mine\n")
		path := filepath.Join(dir, name)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(path, other, other); err != nil {
			t.Fatal(err)
		}
		_, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{path}})
		if err == nil || !strings.Contains(err.Error(), "is a link that belongs to another user (12345)") || read(t, victim) != "# mine\n" {
			t.Errorf("%s: %v\n%s", name, err, read(t, victim))
		}
		if files, err := os.ReadDir(home); err != nil || len(files) != 1 {
			t.Errorf("%s: %v, %v", name, files, err)
		}
	}
	own := filepath.Join(dir, "own")
	if err := os.Symlink(victim, own); err != nil {
		t.Fatal(err)
	}
	if _, err := kubeconfig.Merge(t.Context(), entry, kubeconfig.Options{Paths: []string{own}}); err != nil || !strings.Contains(read(t, victim), "127.0.0.1") {
		t.Errorf("a link of one's own: %v", err)
	}
	if info, err := os.Stat(victim); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	clean(t, dir)
}
