package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// IrregularError reports a file that cannot be a source file: a directory, a pipe or a
// device, or a link where none is followed. A cloned repository may have symbolic links to
// such files, and an unpacked archive may contain any of them.
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
	case e.Mode&fs.ModeSymlink != 0:
		return "is a symbolic link, not a file"
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

// ReadDocument reads a whole file as Open does. Its errors are for a message that begins with
// the name of the file: an *IrregularError itself, or that the file is larger than limit, in
// bytes and a whole number of MiB, which is the limit for what it is.
func ReadDocument(name string, limit int64, what string) ([]byte, error) {
	text, err := ReadFile(nil, name, limit+1)
	if irregular := new(IrregularError); errors.As(err, &irregular) {
		return nil, irregular
	}
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("is larger than %d MiB, the limit for %s", limit>>20, what)
	}
	return text, err
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
