package container

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// listed is what a file of an unpacked image must look like. It reveals damage by a
// crash, a full disk or a cleaner of old files without reading the file.
type listed struct {
	Path string
	Mode fs.FileMode
	Size int64
	Time time.Time
}

// list returns everything that is in an unpacked image.
func list(root string) ([]listed, error) {
	var all []listed
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		all = append(all, listed{name, info.Mode(), info.Size(), info.ModTime()})
		return err
	})
	return all, err
}

// same returns an error if the file differs from its record.
func (l *listed) same(root string) error {
	info, err := os.Lstat(filepath.Join(root, l.Path))
	if err != nil {
		return err
	}
	if info.Mode() != l.Mode || l.Mode.IsRegular() && (info.Size() != l.Size || !info.ModTime().Equal(l.Time)) {
		return fmt.Errorf("%s: %w", filepath.Join(root, l.Path), errDamaged)
	}
	return nil
}

// writeList writes a list to a new file.
func writeList[T any](path string, list []T) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(gob.NewEncoder(file).Encode(list), file.Close())
}

// readList reads a list. It returns an error if part of the list is missing.
func readList[T any](path string, into *[]T) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return gob.NewDecoder(file).Decode(into)
}
