// Package disk writes the sandbox's state so that a process that is killed, or a
// machine that loses its power, at any moment leaves either the old file or the new
// one. What containers can write is no state of the sandbox: package jail is for that.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts content into the file at path, whole or not at all, and creates the
// directories that it needs. A full disk is told as one.
func Write(path string, content []byte, mode os.FileMode) error {
	return Explain(path, write(path, content, mode))
}

func write(path string, content []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Mkdir makes a directory, and those above it, for this user alone.
func Mkdir(path string) error { return Explain(path, os.MkdirAll(path, 0o700)) }

// Append opens a file to add to it, and makes it where it is missing.
func Append(path string) (*os.File, error) {
	if err := Mkdir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return file, Explain(path, err)
}

// Files returns the paths of the files below dir that match a pattern, as fs.Glob has
// them. The name of dir is no pattern, whatever is in it.
func Files(dir, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(dir), pattern)
	for i := range names {
		names[i] = filepath.Join(dir, filepath.FromSlash(names[i]))
	}
	return names, err
}

// Read gives what each of the files below dir that match a pattern holds.
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

// Remove removes a file. One that is not there is no error.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// FullError tells that a disk has no room.
type FullError struct {
	Path string
	Err  error
}

// Error says what the user can do about it.
func (e *FullError) Error() string {
	return fmt.Sprintf("the disk is full at %s: free some space (slipway sandbox reset deletes all that the sandbox holds): %v", e.Path, e.Err)
}

// Unwrap gives the error of the file system.
func (e *FullError) Unwrap() error { return e.Err }

// Explain makes a *FullError of an error that tells of a full disk or a used-up
// quota, and leaves others as they are.
func Explain(path string, err error) error {
	var known *FullError
	if errors.As(err, &known) || !full(err) {
		return err
	}
	return &FullError{Path: path, Err: err}
}
