package dockerfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// With Git the context has .git, without the files that may contain credentials.
func TestContextWithGit(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".git/HEAD", ".git/config", ".git/hooks/pre-commit", ".git/objects/ab/cd", ".git/refs/heads/main",
		".git/modules/lib/HEAD", ".git/modules/lib/config", ".git/modules/lib/hooks/x", ".git/worktrees/w/config.worktree", ".git/credentials", ".git/refs/heads/config",
		"sub/.git/HEAD", "a.py"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("1"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for git, want := range map[bool][]string{false: {"a.py"}, true: {".git/HEAD", ".git/modules/lib/HEAD", ".git/objects/ab/cd", ".git/refs/heads/config", ".git/refs/heads/main", "a.py"}} {
		files := newTree(root)
		files.git = git
		var got []string
		err := files.Walk(t.Context(), "", func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				got = append(got, filepath.ToSlash(path))
			}
			return err
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("git %t: %v, %v", git, got, err)
		}
	}
}
