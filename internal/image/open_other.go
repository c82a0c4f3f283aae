//go:build !unix

package image

// nonblocking is 0 because on this system directories do not contain pipes.
const nonblocking = 0
