// Package project is a repository with a slipway.yaml: what that file says, what git and the
// machine know of the working tree, and the secrets that it names.
package project

import (
	"context"
	"net/http"
	"sync"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Project is a slipway.yaml that has been read. It is read once a command, and so is each
// file that it names: what was checked is what is sent.
type Project struct {
	*Env
	Config *config.Config
	// Params are those of the command line, by job and by input.
	Params map[string]map[string]string
	// Offline asks no server, and reads no secret.
	Offline bool
	// PolyaxonVersion is the release that the command line names, "" for the server's own.
	PolyaxonVersion string
	// Public sends requests without slipway's credentials. The caller vouches for the
	// addresses.
	Public http.RoundTripper
	// Held are the Polyaxonfiles, as they were first read.
	Held *file.Held
	// Access returns the way to the cluster. It reads the kubeconfig once.
	Access func() (*Access, error)
	// Revision returns what git knows of the working tree. It asks git once.
	Revision func() revision.Revision

	secrets *secret.Resolver
	// untagged and forgetful are for notes that are printed once.
	untagged, forgetful sync.Once
}

// Open reads slipway.yaml and has the secrets that it names masked. Errors in that file are
// *source.Error; a directory .slipway that came with the repository is an *exit.UsageError.
func Open(ctx context.Context, env *Env) (*Project, error) {
	path, err := env.configPath()
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(Shown(path), config.Options{Environment: env.Environment, Lookup: env.Lookup})
	if err != nil {
		return nil, err
	}
	if err := ownState(ctx, cfg.Dir, env.Environ); err != nil {
		return nil, err
	}
	if env.Secrets != nil {
		env.Secrets.Public(cfg.Registry)
	}
	watched := *env
	watched.Transport = panics.Transport(secret.Watch(env.Transport, env.Secrets))
	p := &Project{
		Env:     &watched,
		Config:  cfg,
		Public:  env.Transport,
		Held:    file.NewHeld(),
		secrets: &secret.Resolver{Dir: cfg.Dir, Lookup: env.Lookup},
		Revision: sync.OnceValue(func() revision.Revision {
			known, _ := revision.Read(ctx, cfg.Dir, env.Environ, image.Excluded) // its only error is the end of ctx
			return known
		}),
	}
	p.Access = sync.OnceValues(func() (*Access, error) { return p.readAccess(ctx) })
	p.learn(ctx)
	return p, nil
}

// Names are the names in a slipway.yaml.
type Names struct{ Images, Jobs, Services, Environments []string }

// ReadNames returns the names in slipway.yaml, and none where there is no file or it cannot
// be read.
func ReadNames(env *Env) Names {
	path, err := env.configPath()
	if err != nil {
		return Names{}
	}
	names, _ := config.ReadNames(path, env.Environment) // whoever completes a word wants no error
	return Names(names)
}

// Result returns an empty Result of a command.
func (p *Project) Result(command string) *report.Result {
	return &report.Result{Command: command, Project: p.Config.Project, Environment: p.Config.Environment}
}

// Untagged notes, once, why images get no tag of a commit.
func (p *Project) Untagged(image, reason string) {
	p.untagged.Do(func() { p.Event(report.Note, "image", image, "no image gets a commit's tag: "+reason) })
}
