//go:build unix

package testenv

import (
	"os"
	"runtime"
	"syscall"
)

// Peak returns the largest resident memory of a process that has ended, in bytes, or 0 if
// it is unknown.
func Peak(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss) //nolint:unconvert // it is 32 bits wide on some
	}
	return int64(usage.Maxrss) << 10 //nolint:unconvert // it is 32 bits wide on some
}
