//go:build !unix

package image

// nonblocking is no flag of this system: a directory has no pipes there.
const nonblocking = 0
