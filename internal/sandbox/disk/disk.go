// Package disk writes the sandbox's state so that a process that is killed at
// any moment leaves either the old file or the new one.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
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
	err = errors.Join(err, file.Chmod(mode), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Explain says what the user can do about an error of the file system.
func Explain(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk is full at %s: free some space (slipway sandbox reset deletes all that the sandbox holds): %w", path, err)
	}
	return err
}
