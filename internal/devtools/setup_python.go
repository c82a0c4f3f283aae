package devtools

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// debianRelease is the Debian release of the image that replaces python:3.11-slim, which
// cannot be pulled everywhere. Its Python is 3.11.
const debianRelease = "bookworm"

// makePythonBase makes a root file system with Debian's Python, using debootstrap.
func makePythonBase(ctx context.Context, o Options) error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("making it takes root on Linux")
	}
	if err := installed(ctx, o, []string{"debootstrap"}, "debootstrap"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "python-base")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	log, err := os.Create(filepath.Join(cacheDir, "debootstrap.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include=python3-minimal,libpython3-stdlib", debianRelease, dir)
	command.Stdout, command.Stderr = log, log
	if err := command.Run(); err != nil {
		return err
	}
	part := filepath.Join(cacheDir, "python-base.tar.part")
	if err := run(ctx, o, nil, "tar", "-C", dir, "--exclude=./dev/*", "--exclude=./var/cache/*", "--exclude=./usr/share/doc/*", "-cf", part, "."); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(cacheDir, "python-base.tar"))
}
