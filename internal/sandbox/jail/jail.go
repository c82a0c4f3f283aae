// Package jail reads and writes files that containers can write. The sandbox's server
// uses nothing else for them. Nothing done through a [Dir] leaves the directory, whatever
// links a container creates there, and nothing blocks or reads without a limit. Only
// regular files are opened. A link to a file inside the directory is followed. Walks do
// not follow links to directories, so every walk ends.
package jail

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/slipway-ci/slipway/internal/bounded"
)

const (
	// maxEntries is the maximum number of entries of a directory, or of a tree, to list.
	maxEntries = 200_000
	// maxDepth is the maximum depth of a tree.
	maxDepth = 100
)

// ErrNotRegular reports that a name is not a regular file, or leads out of the directory.
var ErrNotRegular = errors.New("it is not a regular file in this directory")

// LimitError reports a file or a directory that exceeds a limit.
type LimitError struct {
	Name  string
	Limit int64
	What  string
}

// Error says which limit it exceeds.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s has more than %d %s", e.Name, e.Limit, e.What)
}

// Dir is a directory that containers can write.
type Dir struct{ root *os.Root }

// Make opens the directory at path, and creates it if it is missing. Containers must not
// be able to write to its parents.
func Make(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return Open(path)
}

// Open opens the directory at path, which must not be a link.
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

// Close closes the directory.
func (d *Dir) Close() error { return d.root.Close() }

// Local cleans a path sent by a client. The result is relative, has no .., and is "." for
// the directory itself.
func Local(name string) string {
	if clean := strings.TrimPrefix(path.Clean("/"+name), "/"); clean != "" {
		return clean
	}
	return "."
}

// Open opens a regular file for reading, and returns its information. The error is
// ErrNotRegular for anything else.
func (d *Dir) Open(name string) (*os.File, fs.FileInfo, error) {
	return d.open(name, os.O_RDONLY, 0)
}

// open never waits for the other end of a named pipe, and never opens a device. The file
// may be replaced between Stat and OpenFile, so the open file is checked again.
func (d *Dir) open(name string, flags int, mode fs.FileMode) (*os.File, fs.FileInfo, error) {
	info, err := d.root.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	case err != nil && (!errors.Is(err, fs.ErrNotExist) || flags&os.O_CREATE == 0):
		return nil, nil, err
	}
	file, err := d.root.OpenFile(name, flags|openFlags, mode)
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

// Read returns the content of a file. If that is more than limit bytes the error is a
// *LimitError.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	file, _, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := bounded.ReadAll(file, limit)
	if errors.As(err, new(*bounded.SizeError)) {
		return nil, &LimitError{name, limit, "bytes"}
	}
	return text, err
}

// Write writes a file and creates missing directories. If the name exists, Write replaces
// it if overwrite is set and otherwise does nothing. It replaces a link itself and not
// its target. Replacing a directory is an error, ErrNotRegular.
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

// Mkdir creates a directory and its parents.
func (d *Dir) Mkdir(name string) error { return d.root.MkdirAll(name, 0o755) }

// Remove removes a file, a link itself, or a directory with everything in it.
func (d *Dir) Remove(name string) error {
	if _, err := d.root.Lstat(name); err != nil {
		return err
	}
	return d.root.RemoveAll(name)
}

// IsDir reports whether name is a directory. It follows links.
func (d *Dir) IsDir(name string) (bool, error) {
	info, err := d.root.Stat(name)
	return err == nil && info.IsDir(), err
}

// List returns the sizes in bytes of the regular files in a directory, by name, and the
// names of its subdirectories.
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

// entries reads a directory and returns its entries.
func (d *Dir) entries(name string) ([]fs.DirEntry, error) {
	if is, err := d.IsDir(name); err != nil || !is {
		if err == nil {
			err = fs.ErrNotExist
		}
		return nil, &fs.PathError{Op: "list", Path: name, Err: err}
	}
	file, err := d.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
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
