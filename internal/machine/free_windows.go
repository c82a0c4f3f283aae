package machine

import "golang.org/x/sys/windows"

// Free returns how many bytes this user can still write to the file system of a directory,
// and whether it has room for more files.
func Free(dir string) (bytes uint64, files bool, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false, err
	}
	err = windows.GetDiskFreeSpaceEx(path, &bytes, nil, nil)
	return bytes, true, err
}
