package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Missing gives, joined, a *source.Error at s.At for each file and directory of the
// tree that the spec names and that is not there. What else may be wrong with the
// spec, Prepare says.
func Missing(s Spec) error {
	normal, err := s.normal()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	c := &collector{spec: normal, root: root}
	var errs []error
	for _, named := range append([]string{normal.Main, normal.Requirements}, normal.Files...) {
		if named == "" {
			continue
		}
		if _, err := root.Lstat(filepath.FromSlash(named)); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, c.unreadable(&fs.PathError{Op: "open", Path: named, Err: cause(err)}))
		}
	}
	return errors.Join(errs...)
}
