package transfer

import (
	"io/fs"
	"syscall"
)

// changeOf returns the time at which a file's content or mode last changed, which programs
// cannot set, and its inode.
func changeOf(info fs.FileInfo) (nanoseconds int64, inode uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ctimespec.Nano(), s.Ino
	}
	return 0, 0
}
