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
		if _, found := os.Stat(filepath.Join(dir, ".git")); found == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}
