package project

import (
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/state"
)

// configPath returns the path of slipway.yaml.
func (e *Env) configPath() (string, error) {
	if e.File == "" {
		return config.Find(e.Dir)
	}
	return e.ResolvePath(e.File), nil
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
