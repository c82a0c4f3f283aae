package container

import (
	"os"

	"golang.org/x/sys/unix"
)

// flush has the file system that dir is on write all that it holds in memory, so that
// what is renamed afterwards is whole also after the machine has lost its power.
func flush(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
