//go:build unix

package image

import "golang.org/x/sys/unix"

// nonblocking makes opening a file return at once if the file has become a pipe.
const nonblocking = unix.O_NONBLOCK
