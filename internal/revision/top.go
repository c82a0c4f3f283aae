package revision

import (
	"os"
	"path/filepath"
)

// Top returns the top level of the git repository that contains dir, as an absolute path, or "".
// It looks for an entry .git and does not ask git, which may not be installed.
func Top(dir string) string {
	dir, err := filepath.Abs(dir)
	for ; err == nil; dir = filepath.Dir(dir) {
		if isRepository(filepath.Join(dir, ".git")) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}

// isRepository reports whether an entry .git is that of a repository: a directory with a HEAD,
// or the file of a worktree or submodule.
func isRepository(entry string) bool {
	info, err := os.Stat(entry)
	if err != nil || !info.IsDir() {
		return err == nil
	}
	_, err = os.Lstat(filepath.Join(entry, "HEAD"))
	return err == nil
}
