//go:build unix

package cli

import (
	"errors"
	"syscall"
)

// left tells whether nobody reads a stream any more.
func left(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO) }
