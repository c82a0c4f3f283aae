//go:build unix

package source_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

func TestUnwritable(t *testing.T) {
	for err, want := range map[error]string{
		fmt.Errorf("write: %w", &fs.PathError{Op: "mkdir", Path: "x", Err: syscall.EACCES}): "repo: nothing can be written here: permission denied (make the directory writable for this user, or work in a copy of it)",
		&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}:                            "repo: nothing can be written here: read-only file system (make the directory writable for this user, or work in a copy of it)",
		&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOSPC}:                           "open x: no space left on device",
	} {
		if got := source.Unwritable("repo", err); got.Error() != want || !errors.Is(got, err) {
			t.Errorf("%v", got)
		}
	}
}
