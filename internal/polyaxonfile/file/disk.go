package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/source"
)

// read reads a file. If root is not "", the file must lie within root.
func (r Reader) read(ctx context.Context, path, root string) ([]byte, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return r.Cache.load(full, func() ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if root == "" {
			return readRegular(nil, full)
		}
		return readWithin(root, full)
	})
}

// outsideError reports a file that lies outside of the repository.
type outsideError struct{ root string }

// Error returns a message that names the repository's root.
func (e *outsideError) Error() string { return "is outside of " + e.root }

// readWithin reads a file below root. It refuses symbolic links that lead out of root.
func readWithin(root, full string) ([]byte, error) {
	base, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	inside, err := filepath.Rel(base, full)
	if err != nil || !filepath.IsLocal(inside) {
		return nil, &outsideError{root}
	}
	dir, err := os.OpenRoot(base)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	text, err := readRegular(dir, inside)
	if err != nil && errors.Is(err, escape(dir)) {
		return nil, &outsideError{root}
	}
	return text, err
}

// escape returns the error of a path that leads out of a root. Package os does not export
// it, so escape provokes one.
func escape(root *os.Root) error {
	var escaped *os.PathError
	if _, err := root.Lstat(".."); errors.As(err, &escaped) {
		return escaped.Err
	}
	return errors.ErrUnsupported // not reached: a root never opens its parent directory
}

// readRegular reads a regular file, up to one byte more than maxSize.
func readRegular(root *os.Root, path string) ([]byte, error) {
	text, err := source.ReadFile(root, path, maxSize+1)
	var irregular *source.IrregularError
	if errors.As(err, &irregular) {
		return nil, irregular
	}
	return text, err
}

// repository returns the directory that must contain the files that a Polyaxonfile refers
// to: the root of its git repository, or the directory of its slipway.yaml. Without
// either it is the working directory if the file is below it, and else the file's own
// directory.
func repository(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		return filepath.Dir(path)
	}
	for _, sign := range []string{".git", "slipway.yaml"} {
		for dir := filepath.Dir(full); ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, sign)); err == nil {
				return dir
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if here, err := os.Getwd(); err == nil {
		if inside, err := filepath.Rel(here, full); err == nil && filepath.IsLocal(inside) {
			return here
		}
	}
	return filepath.Dir(full)
}

// fileError converts the error of reading a file to one with a position and a hint.
func fileError(at source.Position, err error) *source.Error {
	e := &source.Error{Position: at, Message: err.Error(), Err: err}
	var pathError *os.PathError
	var outside *outsideError
	switch {
	case errors.As(err, &outside):
		e.Hint = "move the file into the repository"
	case errors.Is(err, os.ErrNotExist):
		e.Message, e.Hint = "Polyaxonfile not found", "check the path: in slipway.yaml it is relative to the repository's root, in a pathRef to the file that has it"
	case errors.As(err, &pathError):
		e.Message = pathError.Err.Error()
	}
	return e
}
