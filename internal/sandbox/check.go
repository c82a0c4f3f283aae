package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// CheckStart returns an error if a sandbox that does not run cannot be started: the program
// that serves it is not there, the directory is not this user's or not writable, or nothing
// may listen on loopback. It makes one temporary directory.
func CheckStart(o Options) error {
	if len(o.Self) == 0 {
		return errors.New("the command that starts it is not known (Env.Self is empty)")
	}
	if _, err := exec.LookPath(o.Self[0]); err != nil {
		return fmt.Errorf("the command that starts it: %w", err)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	if err := trusted(dir); err != nil {
		return err
	}
	for { // the nearest directory that exists
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	empty, err := os.MkdirTemp(dir, ".slipway-*") // git, which may look meanwhile, does not list an empty directory
	if err != nil {
		return err
	}
	if err := os.Remove(empty); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen on loopback: %w", err)
	}
	return listener.Close()
}
