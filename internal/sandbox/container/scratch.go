package container

import (
	"errors"
	"os"
	"path/filepath"
)

// scratch is a container's scratch directory.
type scratch string

// make creates the directory and the given entries, all empty.
func (s scratch) make(entries ...string) error {
	if err := s.remove(); err != nil {
		return err
	}
	if err := os.MkdirAll(string(s), 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Mkdir(filepath.Join(string(s), e), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// remove removes the entries that belong to this package.
func (s scratch) remove() error {
	var errs []error
	for _, e := range []string{"upper", "work", rootEntry, "files", "sockets"} {
		errs = append(errs, Remove(filepath.Join(string(s), e)))
	}
	return errors.Join(errs...)
}

// write writes a mount's files to a directory.
func (m *Mount) write(dir string) error {
	mode := os.FileMode(0o600)
	if m.ReadOnly {
		mode = 0o400
	}
	for name, content := range m.Files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(at, content, mode); err != nil {
			return err
		}
	}
	return nil
}
