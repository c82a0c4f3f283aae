//go:build unix

package machine

import "golang.org/x/sys/unix"

// Free returns how many bytes this user can still write to the file system of a directory,
// and whether it has room for more files.
func Free(dir string) (bytes uint64, files bool, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), s.Files == 0 || s.Ffree > 0, nil //nolint:gosec,unconvert,nolintlint // the types differ from system to system
}
