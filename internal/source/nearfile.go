package source

import (
	"io/fs"
	"path"
)

// SuggestFile returns a hint for a file of tree that does not exist: the file beside it with the nearest name, or
// otherwise. The path has slashes.
func SuggestFile(tree fs.FS, missing, otherwise string) string {
	missing = path.Clean(missing)
	siblings, _ := fs.ReadDir(tree, path.Dir(missing))
	names := make([]string, len(siblings))
	for n, s := range siblings {
		names[n] = s.Name()
	}
	if near, ok := Nearest(path.Base(missing), names); ok {
		return "did you mean " + path.Join(path.Dir(missing), near) + "?"
	}
	return otherwise
}
