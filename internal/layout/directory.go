package layout

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/source"
)

// tree is a directory on disk. Its files are opened below it, so that no link leads out.
type tree struct{ dir, path string }

// directory returns the files of a directory.
func directory(dir, path string) (files, error) {
	root, err := openRoot(dir, path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &Error{Problem: "does not exist", Err: nil}
		}
		return nil, &Error{Problem: "cannot be read as a directory", Err: cause(err)}
	}
	return tree{dir, path}, root.Close()
}

// openRoot opens a directory. A relative path does not leave dir.
func openRoot(dir, path string) (*os.Root, error) {
	if filepath.IsAbs(path) {
		return os.OpenRoot(path)
	}
	above, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer above.Close()
	return above.OpenRoot(filepath.FromSlash(path))
}

func (t tree) open(name string) (io.ReadCloser, int64, error) {
	root, err := openRoot(t.dir, t.path)
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	return sized(source.Open(root, filepath.FromSlash(name)))
}

// openFile opens a regular file. A relative path does not leave dir.
func openFile(dir, path string) (*os.File, error) {
	if filepath.IsAbs(path) {
		return source.Open(nil, path)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return source.Open(root, filepath.FromSlash(path))
}

// sized returns a file with its size.
func sized(file *os.File, err error) (io.ReadCloser, int64, error) {
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}
