// Package jail is how the sandbox's server reads and writes what containers can
// write, and the only way: nothing that is done through a [Dir] leaves it, whatever
// links a container puts there, and nothing in it blocks or is read without bound.
// Only regular files are opened. A link that stays inside leads to its file; one to
// a directory is not followed by what walks, so that no walk is endless.
package jail

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

const (
	// maxEntries is how many entries a directory may have, and a tree, to be listed.
	maxEntries = 200_000
	// maxDepth is how deep a tree may be.
	maxDepth = 100
)

// ErrNotRegular says that what has a name is no regular file, or leads out.
var ErrNotRegular = errors.New("it is no regular file in this directory")

// LimitError is a file or a directory that is too large for what is asked of it.
type LimitError struct {
	Name  string
	Limit int64
	What  string
}

// Error says how much it may be.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s has more than %d %s", e.Name, e.Limit, e.What)
}

// Dir is a directory that containers can write.
type Dir struct{ root *os.Root }

// Make opens the directory at path, and makes it where it is missing. The
// directories above it must be out of containers' reach.
func Make(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return Open(path)
}

// Open opens the directory at path, which is no link.
func Open(path string) (*Dir, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Dir{root}, nil
}

// Close closes it.
func (d *Dir) Close() error { return d.root.Close() }

// Local cleans a path that a client sent: relative, without .., "." for the
// directory itself.
func Local(name string) string {
	if clean := strings.TrimPrefix(path.Clean("/"+name), "/"); clean != "" {
		return clean
	}
	return "."
}

// Open opens a regular file for reading, and gives what it is.
func (d *Dir) Open(name string) (*os.File, fs.FileInfo, error) {
	return d.open(name, os.O_RDONLY, 0)
}

// open never waits for whoever is at the other end of a pipe, and never opens a
// device. What is there may change between the look and the opening, so that the
// open file is looked at again.
func (d *Dir) open(name string, flags int, mode fs.FileMode) (*os.File, fs.FileInfo, error) {
	info, err := d.root.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	case err != nil && (!errors.Is(err, fs.ErrNotExist) || flags&os.O_CREATE == 0):
		return nil, nil, err
	}
	file, err := d.root.OpenFile(name, flags|unblocked, mode)
	if err != nil {
		return nil, nil, err
	}
	if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// Read gives what a file holds, if that is not more than limit bytes.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	file, _, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, &LimitError{name, limit, "bytes"}
	}
	return text, err
}

// Write writes a file, and makes the directories that it needs. What had its name is
// replaced, a link itself and not where it leads; without overwrite it stays.
func (d *Dir) Write(name string, content io.Reader, overwrite bool) error {
	info, err := d.root.Lstat(name)
	switch {
	case err == nil && !overwrite:
		return nil
	case err == nil && info.IsDir():
		return &fs.PathError{Op: "write", Path: name, Err: ErrNotRegular}
	case err == nil:
		if err := d.root.Remove(name); err != nil {
			return err
		}
	}
	if err := d.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	file, _, err := d.open(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

// Mkdir makes a directory, and those above it.
func (d *Dir) Mkdir(name string) error { return d.root.MkdirAll(name, 0o755) }

// Remove removes a file, or a directory with all that is in it; a link itself.
func (d *Dir) Remove(name string) error {
	if _, err := d.root.Lstat(name); err != nil {
		return err
	}
	return d.root.RemoveAll(name)
}

// IsDir reports whether there is a directory of this name, links followed.
func (d *Dir) IsDir(name string) (bool, error) {
	info, err := d.root.Stat(name)
	return err == nil && info.IsDir(), err
}

// List gives the regular files of a directory, with their sizes, and its
// directories.
func (d *Dir) List(name string) (files map[string]int64, directories []string, err error) {
	entries, err := d.entries(name)
	if err != nil {
		return nil, nil, err
	}
	files, directories = map[string]int64{}, []string{}
	for _, entry := range entries {
		if entry.IsDir() {
			directories = append(directories, entry.Name())
			continue
		}
		if info, err := d.root.Stat(path.Join(name, entry.Name())); err == nil && info.Mode().IsRegular() {
			files[entry.Name()] = info.Size()
		}
	}
	return files, directories, nil
}

// entries reads a directory, by name.
func (d *Dir) entries(name string) ([]fs.DirEntry, error) {
	if is, err := d.IsDir(name); err != nil || !is {
		if err == nil {
			err = fs.ErrNotExist
		}
		return nil, &fs.PathError{Op: "list", Path: name, Err: err}
	}
	file, err := d.root.OpenFile(name, os.O_RDONLY|unblocked, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	entries, err := file.ReadDir(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(entries) > maxEntries {
		return nil, &LimitError{name, maxEntries, "entries"}
	}
	return entries, nil
}
