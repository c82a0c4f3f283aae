package source

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// IrregularError is what can be no source file: a directory, a pipe, a device. A clone
// has links to them, and a tree that was unpacked has any.
type IrregularError struct{ Mode fs.FileMode }

// Error says what it is.
func (e *IrregularError) Error() string {
	switch {
	case e.Mode.IsDir():
		return "is a directory, not a file"
	case e.Mode&fs.ModeNamedPipe != 0:
		return "is a pipe, not a file"
	case e.Mode&fs.ModeSocket != 0:
		return "is a socket, not a file"
	}
	return "is no regular file"
}

// Open opens a regular file below root, or anywhere where root is nil. All else is an
// *IrregularError: whoever opens a pipe waits for its other end, and cannot be
// interrupted. What takes the place of the file meanwhile is not waited for either.
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

// ReadFile reads what Open opens, up to limit bytes; of a longer file the beginning.
func ReadFile(root *os.Root, name string, limit int64) ([]byte, error) {
	file, err := Open(root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, limit))
}
