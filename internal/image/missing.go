package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/layout"
	"github.com/slipway-ci/slipway/internal/source"
)

// Missing returns, joined, a *source.Error for each file and directory that the spec names
// and that does not exist in the tree, and for a base on disk that cannot be read. Prepare
// finds other errors in the spec.
func Missing(s Spec) error {
	normal, err := s.normalized()
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
	if at, onDisk := layout.Parse(normal.Base); onDisk {
		_, err := layout.Open(normal.Dir, at)
		errs = append(errs, explainDisk(normal, err))
	}
	for _, named := range append([]string{normal.Main, normal.Requirements}, normal.Files...) {
		if named == "" {
			continue
		}
		c.at = normal.positionOf(named)
		if _, err := root.Lstat(filepath.FromSlash(named)); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, c.unreadable(&fs.PathError{Op: "open", Path: named, Err: cause(err)}))
		} else if named == normal.Requirements {
			errs = append(errs, c.regular(named))
		}
	}
	return errors.Join(errs...)
}

// regular returns an error if a path is not a regular file: reading a pipe would block.
func (c *collector) regular(named string) error {
	file, err := source.Open(c.root, filepath.FromSlash(named))
	if irregular := new(source.IrregularError); errors.As(err, &irregular) {
		return c.refuse("", "%s %v", named, irregular)
	}
	if err == nil {
		err = file.Close()
	}
	return c.unreadable(err)
}
