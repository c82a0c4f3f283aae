package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/internal/sandbox/jail"
	"github.com/slipway-ci/slipway/internal/state"
)

// ownerFile holds the codes that prove that a directory was made on this machine.
const ownerFile = "owner"

// ForeignError reports a directory with the state of a sandbox that was not made on this
// machine.
type ForeignError struct{ Dir string }

// Error says what to do.
func (e *ForeignError) Error() string {
	return e.Dir + " was not created by slipway on this machine (it came with the repository or was copied), so it is not used; slipway sandbox reset deletes what it contains"
}

// trusted returns an error for a directory that does not belong to this user, or a
// *ForeignError for one that was not made on this machine. A missing or empty directory
// is trusted.
func trusted(dir string) error {
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if path != dir && filepath.Base(path) != state.Name {
			continue
		}
		if err := machine.CheckOwner(path); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the sandbox: %w", err)
	}
	held := false
	for _, entry := range entries {
		held = held || entry.Name() != lockFile && entry.Name() != startFile && !strings.HasPrefix(entry.Name(), ".")
	}
	if !held {
		return nil
	}
	text, err := read(dir, ownerFile)
	if err != nil && !errors.Is(err, jail.ErrNotRegular) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	byPath, byIdentity, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	for code, subject := range map[string]string{byPath: "path " + dir, byIdentity: "directory " + identity(dir)} {
		if ok, err := machine.VerifyMAC(code, subject, nil); err != nil || ok {
			return err
		}
	}
	return &ForeignError{dir}
}

// markOwned creates a directory, or takes an existing trusted one, and records that it was
// made on this machine. It records both the path, since a file system may renumber its
// directories, and the directory's identity, since a repository may be moved.
func markOwned(dir string) error {
	if err := disk.Mkdir(dir); err != nil {
		return err
	}
	if err := trusted(dir); err != nil {
		return err
	}
	byPath, err := machine.MAC("path "+dir, nil)
	if err != nil {
		return err
	}
	byIdentity, err := machine.MAC("directory "+identity(dir), nil)
	if err != nil {
		return err
	}
	path, text := filepath.Join(dir, ownerFile), byPath+"\n"+byIdentity+"\n"
	if had, err := read(dir, ownerFile); err == nil && string(had) == text {
		return nil
	}
	return disk.Write(path, []byte(text), 0o600)
}

// identity returns a directory's identity, or its path on systems without one.
func identity(dir string) string {
	if id, err := machine.Identity(dir); err == nil && id != "" {
		return id
	}
	return dir
}
