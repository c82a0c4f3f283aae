package tasks

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/scaffold"
	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// checkDirectory returns an *exit.UsageError for a directory in which nobody wants a slipway.yaml.
func checkDirectory(opened *project.Env, dir string) error {
	if there := filepath.Join(dir, "slipway.yml"); exists(there) {
		return exit.Usagef("%s is there, and slipway reads %s: rename it", project.DisplayPath(there), config.FileName)
	}
	home, _ := opened.Lookup("HOME")
	if profile, ok := opened.Lookup("USERPROFILE"); ok && home == "" {
		home = profile
	}
	if survey.IsHome(dir, home) {
		return exit.Usagef("this is your home directory, or the root of the file system, and not a project: run slipway init in the project's directory, or name it: slipway init -C DIR")
	}
	return nil
}

// planFiles looks at a directory, or at one of the projects in it, and decides what to write. It asks what only the
// user knows.
func planFiles(ctx context.Context, env *Env, opened *project.Env, dir string, o InitOptions) (*scaffold.Plan, error) {
	repository, err := survey.Read(ctx, dir, opened.Environ)
	if err != nil {
		return nil, err
	}
	if projects := repository.Projects(); projects != nil {
		if repository, err = oneOf(ctx, env, o, repository, projects); err != nil {
			return nil, err
		}
	}
	ask := scaffold.Ask(env.Ask)
	if o.Yes || ask == nil {
		ask = scaffold.Defaults
	}
	return scaffold.New(ctx, repository, scaffold.Options{Project: o.Project, Program: o.Program, Base: o.Base, Lock: o.Lock, CI: o.CI}, ask)
}

// oneOf lets the user choose one of several projects of a repository.
func oneOf(ctx context.Context, env *Env, o InitOptions, r *survey.Repository, projects []string) (*survey.Repository, error) {
	if env.Ask == nil || o.Yes {
		return nil, exit.Usagef("there are several projects in %s: name one: slipway init -C %s", r.Dir, strings.Join(projects, ", or slipway init -C "))
	}
	answer, err := env.Ask(ctx, report.Question{Flag: "dir", Text: "Which project (" + strings.Join(projects, ", ") + ")", Default: projects[0], Options: projects})
	if err != nil {
		return nil, err
	}
	return survey.Read(ctx, filepath.Join(r.Dir, filepath.FromSlash(answer)), env.Environ)
}
