//go:build unix

package cli

import (
	"errors"
	"syscall"
)

// isBrokenPipe reports whether err means that a stream has no reader left.
func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO)
}
