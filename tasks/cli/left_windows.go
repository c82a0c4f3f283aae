package cli

import (
	"errors"

	"golang.org/x/sys/windows"
)

// left tells whether nobody reads a stream any more.
func left(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
