package source

import (
	"errors"
	"io/fs"
	"syscall"
)

// Unwritable returns a *Error that says what to do if err, of writing into dir, says that this user
// may not write there or that its file system is read-only. It returns any other error as it is.
func Unwritable(dir string, err error) error {
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return err
	}
	cause := err
	if failed := new(fs.PathError); errors.As(err, &failed) {
		cause = failed.Err
	}
	return &Error{Position: Position{File: dir}, Message: "nothing can be written here: " + cause.Error(), Hint: "make the directory writable for this user, or work in a copy of it", Err: err}
}
