// Package atomicfile writes files that have either their old or their new content, whenever the
// process is killed.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Prefix begins the name of a file that is being written, or was when the process was killed.
const Prefix = ".part-"

// Write writes content to the file at path, whose directory must exist. A file that is there is
// replaced, and so is a symbolic link. If the machine loses power the file may be empty.
func Write(path string, content []byte, mode os.FileMode) error {
	return write(path, content, mode, func(*os.File) error { return nil })
}

// WriteSync is like Write. It returns when the content is on the disk, so that it also outlasts a
// loss of power.
func WriteSync(path string, content []byte, mode os.FileMode) error {
	return write(path, content, mode, (*os.File).Sync)
}

func write(path string, content []byte, mode os.FileMode, sync func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), Prefix+"*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(mode), sync(file), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
