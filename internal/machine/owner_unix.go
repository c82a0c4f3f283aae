//go:build unix

package machine

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// whyNotOwned returns why a file does not belong to this user, as the rest of a
// sentence, or "" if it does.
func whyNotOwned(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return "belongs to another user (" + strconv.FormatUint(uint64(stat.Uid), 10) + ")"
	}
	return ""
}

// isRoots reports whether a file belongs to root.
func isRoots(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}

// writable reports whether this user can create files in dir.
func writable(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }

// Identity returns a value that distinguishes the file at path from another one that has
// the same path later. It is empty when the system has none.
func Identity(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return strconv.FormatUint(stat.Ino, 10), nil
	}
	return "", nil
}
