//go:build !linux

package polyaxon

// memory returns 8 GiB, an assumption for systems where the memory is not read.
func memory() int64 { return 8 << 30 }
