package container

import (
	"os"

	"golang.org/x/sys/unix"
)

// flush makes the file system of dir write all cached data to disk, so that a directory
// that is renamed afterwards is complete even after a loss of power.
func flush(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
