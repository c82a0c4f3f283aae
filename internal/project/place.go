package project

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Place is where a repository is. It is for commands that do not need what slipway.yaml says, and
// must work while there is a mistake in it.
type Place struct {
	*Env
	// Name is the name of the project, or that of its directory if slipway.yaml cannot be read.
	Name string

	dir string
	// config is nil if slipway.yaml cannot be read.
	config *config.Config
}

// Locate finds the repository. Like Open, it refuses a directory .slipway that others may have made.
// If there is no slipway.yaml, Dir is the repository if it has a directory .slipway.
func Locate(ctx context.Context, env *Env) (*Place, error) {
	path, err := env.configPath()
	if errors.Is(err, fs.ErrNotExist) {
		if _, lacks := os.Stat(state.Dir(env.Dir)); lacks == nil {
			path, err = filepath.Join(env.Dir, config.FileName), nil
		}
	}
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	at := &Place{Env: env, dir: filepath.Dir(path), Name: filepath.Base(filepath.Dir(path))}
	if err := checkStateDir(ctx, at.dir, env.Environ); err != nil {
		return nil, err
	}
	at.config, err = config.Load(DisplayPath(path), config.Options{Environment: env.Environment, Lookup: env.Lookup})
	switch {
	case err == nil:
		at.Name = at.config.Project
	case env.File != "" && errors.Is(err, fs.ErrNotExist): // the command line names it
		return nil, err
	}
	return at, nil
}

// StateDir returns the directory in which the project's sandbox keeps its state.
func (p *Place) StateDir() string { return SandboxDir(p.dir) }

// Result is like Env.Result. It also sets the project and the environment if slipway.yaml can be read.
func (p *Place) Result(command string) *report.Result {
	result := p.Env.Result(command)
	if p.config != nil {
		result.Project, result.Environment = p.config.Project, p.config.Environment
	}
	return result
}
