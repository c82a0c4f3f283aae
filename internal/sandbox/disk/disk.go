// Package disk writes the sandbox's state. If the process is killed or the machine loses
// power, at any moment, each file has either its old or its new content. It is not for
// files that containers can write; package jail is for those.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/atomicfile"
)

// Write writes content to the file at path, completely or not at all. It creates missing
// directories. If the disk is full the error is a *FullError.
func Write(path string, content []byte, mode os.FileMode) error {
	return Explain(path, write(path, content, mode))
}

func write(path string, content []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return atomicfile.WriteSync(path, content, mode)
}

// Mkdir creates a directory and its parents, with mode 0700. If the disk is full the
// error is a *FullError.
func Mkdir(path string) error { return Explain(path, os.MkdirAll(path, 0o700)) }

// Append opens a file for appending, and creates it if it is missing.
func Append(path string) (*os.File, error) {
	if err := Mkdir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return file, Explain(path, err)
}

// Open opens a file for reading.
func Open(path string) (*os.File, error) { return os.Open(path) }

// Edit opens a file for reading and writing, and creates it if it is missing. Give it its name with
// Rename when it is complete.
func Edit(path string) (*os.File, error) {
	if err := Mkdir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	return file, Explain(path, err)
}

// Rename gives a file another name, in place of a file that has it. It creates missing directories.
func Rename(from, to string) error {
	if err := Mkdir(filepath.Dir(to)); err != nil {
		return err
	}
	return Explain(to, os.Rename(from, to))
}

// Files returns the paths of the files below dir that match a pattern of fs.Glob. Only
// pattern is a pattern; the name of dir is taken literally.
func Files(dir, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(dir), pattern)
	for i := range names {
		names[i] = filepath.Join(dir, filepath.FromSlash(names[i]))
	}
	return names, err
}

// Read returns the contents of the files below dir that match a pattern of fs.Glob.
func Read(dir, pattern string) ([][]byte, error) {
	names, err := Files(dir, pattern)
	if err != nil {
		return nil, err
	}
	var texts [][]byte
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// Remove removes a file. A missing file is not an error.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// FullError reports that a disk is full or a quota is used up.
type FullError struct {
	Path string
	Err  error
}

// Error says what the user can do.
func (e *FullError) Error() string {
	return fmt.Sprintf("the disk is full at %s: free some space (slipway sandbox reset deletes all of the sandbox's data): %v", e.Path, e.Err)
}

// Unwrap returns the file system's error.
func (e *FullError) Unwrap() error { return e.Err }

// Explain returns a *FullError for an error that reports a full disk or a used-up quota.
// It returns other errors unchanged.
func Explain(path string, err error) error {
	var known *FullError
	if errors.As(err, &known) || !isFull(err) {
		return err
	}
	return &FullError{Path: path, Err: err}
}
