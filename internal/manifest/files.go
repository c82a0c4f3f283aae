package manifest

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// extensions are those of the files that are read in a directory.
var extensions = []string{".yaml", ".yml", ".json"}

// files returns the paths of the files that a path below dir stands for, sorted, with slashes
// and from dir on. It is that of a file or of a directory, or a pattern of such paths. What is
// below the directories of a directory is not read, as with kubectl.
func files(dir, given string) ([]string, error) {
	tree, paths := os.DirFS(dir), []string{path.Clean(given)}
	if _, err := fs.Stat(tree, paths[0]); errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(given, `*?[`) {
		if paths, err = fs.Glob(tree, paths[0]); err != nil {
			return nil, errors.New("is not a valid pattern")
		}
		if len(paths) == 0 {
			return nil, errors.New("matches no files")
		}
	}
	var all []string
	for _, one := range paths {
		info, err := fs.Stat(tree, one)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, errors.New("not found")
		case err != nil:
			return nil, err
		case !info.IsDir():
			all = append(all, one)
			continue
		}
		entries, err := fs.ReadDir(tree, one)
		if err != nil {
			return nil, err
		}
		count := len(all)
		for _, e := range entries {
			if !e.IsDir() && slices.Contains(extensions, path.Ext(e.Name())) {
				all = append(all, path.Join(one, e.Name()))
			}
		}
		if len(all) == count {
			return nil, errors.New("has no .yaml, .yml or .json files")
		}
	}
	return all, nil
}
