package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/source"
)

// FileName is the name of the configuration file.
const FileName = "slipway.yaml"

// Find returns the path of the slipway.yaml in dir, or in the nearest parent directory up
// to the root of the git repository. If there is none, the error is a *source.Error that
// wraps fs.ErrNotExist. Outside of a repository it is a *source.Error if the one in a
// parent directory belongs to another user.
func Find(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", FileName, err)
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return "", &source.Error{Position: source.Position{File: dir}, Message: "directory not found", Hint: "-C sets the directory to look for " + FileName + " in"}
	}
	for at, misnamed := start, ""; ; at = filepath.Dir(at) {
		path := filepath.Join(at, FileName)
		if _, err := os.Stat(path); err == nil {
			if at != start && revision.Top(at) == "" {
				// Anyone can write to a directory such as /tmp.
				if why := machine.NotOwned(path); why != "" {
					return "", &source.Error{Position: source.Position{File: path}, Message: why + ", and is above the directory " + start,
						Hint: "name its directory with -C DIR if you trust it, or create a " + FileName + " here"}
				}
			}
			return path, nil
		}
		if other := filepath.Join(at, strings.TrimSuffix(FileName, "yaml")+"yml"); misnamed == "" {
			if _, err := os.Stat(other); err == nil {
				misnamed = other
			}
		}
		_, err := os.Stat(filepath.Join(at, ".git"))
		if err == nil || at == filepath.Dir(at) {
			missing := &source.Error{Position: source.Position{File: start}, Message: FileName + " not found in this directory or in one above it",
				Hint: "slipway init writes one; or set its directory with -C DIR or its path with -f FILE", Err: fs.ErrNotExist}
			if misnamed != "" {
				missing.Hint = "rename " + misnamed + " to " + FileName
			}
			return "", missing
		}
	}
}

// Repository returns the root of the git repository that contains the configuration, or
// "" if it is not in one.
func (c *Config) Repository() string { return revision.Top(c.Dir) }
