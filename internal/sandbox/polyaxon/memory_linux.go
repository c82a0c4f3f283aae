package polyaxon

import "golang.org/x/sys/unix"

// memory returns this machine's memory in bytes.
func memory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 8 << 30
	}
	return int64(uint64(info.Totalram) * uint64(info.Unit)) //nolint:unconvert // differs by architecture
}
