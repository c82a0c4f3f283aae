package source

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// IrregularError reports a file that cannot be a source file: a directory, a pipe or a
// device. A cloned repository may have symbolic links to such files, and an unpacked
// archive may contain any of them.
type IrregularError struct{ Mode fs.FileMode }

// Error returns a message that says what kind of file it is.
func (e *IrregularError) Error() string {
	switch {
	case e.Mode.IsDir():
		return "is a directory, not a file"
	case e.Mode&fs.ModeNamedPipe != 0:
		return "is a pipe, not a file"
	case e.Mode&fs.ModeSocket != 0:
		return "is a socket, not a file"
	}
	return "is not a regular file"
}

// Open opens a regular file below root, or anywhere if root is nil. Any other file is an
// *IrregularError. Opening a pipe would block until its other end is opened, and cannot
// be interrupted. Open does not block either if the file is replaced by a pipe in
// between.
func Open(root *os.Root, name string) (*os.File, error) {
	stat, open := os.Stat, os.OpenFile
	if root != nil {
		stat, open = root.Stat, root.OpenFile
	}
	info, err := stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: &IrregularError{info.Mode()}}
	}
	file, err := open(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: &IrregularError{info.Mode()}}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// ReadFile reads a file as Open does. It returns at most the first limit bytes.
func ReadFile(root *os.Root, name string, limit int64) ([]byte, error) {
	file, err := Open(root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, limit))
}
