package dockerfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/source"
)

// unreadable returns the error for a Dockerfile that cannot be read: file is its path below dir, and at is where
// slipway.yaml names it. Of one that is not there it suggests a file of a similar name.
func unreadable(image, dir, file string, at source.Position, err error) error {
	refused := &source.Error{Position: at, Message: fmt.Sprintf("image %s: %s cannot be read", image, file), Err: err}
	irregular := new(source.IrregularError)
	switch {
	case errors.As(err, &irregular):
		refused.Message = fmt.Sprintf("image %s: %s %v", image, file, irregular)
	case errors.Is(err, fs.ErrNotExist):
		refused.Message, refused.Hint = fmt.Sprintf("image %s: %s not found", image, file), "paths are relative to the repository's root"
		if near, ok := source.Nearest(path.Base(file), siblings(dir, file)); ok {
			refused.Hint = "did you mean " + path.Join(path.Dir(file), near) + "?"
		}
	}
	return refused
}

// siblings returns the names in the directory of a file below dir.
func siblings(dir, file string) []string {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	entries, _ := fs.ReadDir(root.FS(), path.Dir(filepath.ToSlash(path.Clean(file))))
	names := make([]string, len(entries))
	for n, entry := range entries {
		names[n] = entry.Name()
	}
	return names
}
