package project

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
)

// configPath returns the path of slipway.yaml.
func (e *Env) configPath() (string, error) {
	if e.File != "" {
		return e.ResolvePath(e.File), nil
	}
	path, err := config.Find(e.Dir)
	if missing := new(source.Error); errors.As(err, &missing) && e.lacksCheckout() {
		missing.Hint = "the workspace is empty, because the job has no checkout: add this line before the step of slipway: - uses: actions/checkout@v5"
	}
	return path, err
}

// lacksCheckout reports whether this is a job of a GitHub workflow whose workspace is empty.
func (e *Env) lacksCheckout() bool {
	workspace, _ := e.Lookup("GITHUB_WORKSPACE")
	files, err := os.ReadDir(workspace)
	return err == nil && len(files) == 0
}

// ResolvePath resolves a path of the command line. A relative path is relative to Dir.
func (e *Env) ResolvePath(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.Dir, path)
}

// File returns the path of a file that slipway.yaml names, in the form that DisplayPath
// returns. name is relative to the directory of slipway.yaml and has slashes as
// separators.
func (p *Project) File(name string) string {
	return DisplayPath(filepath.Join(p.Config.Dir, filepath.FromSlash(name)))
}

// StateDir returns the directory in which the project's sandbox keeps its state.
func (p *Project) StateDir() string { return SandboxDir(p.Config.Dir) }

// SandboxDir returns the directory in which the sandbox of the repository in dir keeps
// its state.
func SandboxDir(dir string) string { return state.Dir(dir, "sandbox") }

// DisplayPath returns a path as users write it. An absolute path below the working directory is
// made relative to it. Other paths are returned unchanged.
func DisplayPath(path string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && filepath.IsAbs(path) && filepath.IsLocal(relative) {
		return relative
	}
	return path
}
