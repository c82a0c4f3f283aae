//go:build unix

package image

import "golang.org/x/sys/unix"

// nonblocking lets an open return at once where the file has become a pipe.
const nonblocking = unix.O_NONBLOCK
