package tasks

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// project is a slipway.yaml that has been read, and what belongs to it.
type project struct {
	*Env
	config  *config.Config
	secrets *secret.Resolver
	// texts are the params that the command line gives, by job.
	texts map[string]map[string]string
	// public carries requests that have none of slipway's credentials, to anybody: whoever
	// sends them looks at the addresses that it connects to.
	public http.RoundTripper
	// held are the Polyaxonfiles, as they were first read.
	held *file.Held
	// access gives the way to the cluster; it is read once.
	access func() (*access, error)
	// revision gives what git knows of the tree; it is asked once.
	revision func() revision.Revision
	// untagged is for the line that says why images get no tag of a commit.
	untagged *sync.Once
	// forgetful is for the line that says why nothing is kept from build to build.
	forgetful *sync.Once
	// offline asks nobody; version is the release of Polyaxon that a command names, so
	// that no server is asked for it.
	offline bool
	version string
}

// open reads slipway.yaml. Its errors are *source.Error.
func (e *Env) open(ctx context.Context) (*project, error) {
	path := e.File
	if path == "" {
		found, err := config.Find(e.Dir)
		if err != nil {
			return nil, err
		}
		path = found
	} else if !filepath.IsAbs(path) {
		path = filepath.Join(e.Dir, path)
	}
	cfg, err := config.Load(shown(path), config.Options{Environment: e.Environment, Lookup: e.Lookup})
	if err != nil {
		return nil, err
	}
	if err := e.ownState(ctx, cfg.Dir); err != nil {
		return nil, err
	}
	if e.Secrets != nil {
		e.Secrets.Public(cfg.Registry)
	}
	watched := *e
	watched.Transport = panics.Transport(secret.Watch(e.Transport, e.Secrets))
	p := &project{
		Env:      &watched,
		config:   cfg,
		untagged: &sync.Once{}, forgetful: &sync.Once{},
		public:  e.Transport,
		held:    file.NewHeld(),
		secrets: &secret.Resolver{Dir: cfg.Dir, Lookup: e.Lookup},
		revision: sync.OnceValue(func() revision.Revision {
			known, _ := revision.Read(ctx, cfg.Dir, e.Environ, image.Excluded) // its only error is the end of ctx
			return known
		}),
	}
	p.access = sync.OnceValues(func() (*access, error) { return p.readAccess(ctx) })
	p.learn(ctx)
	return p, nil
}

// shown gives a path as users write it: from the working directory where it is
// below that.
func shown(path string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && filepath.IsAbs(path) && filepath.IsLocal(relative) {
		return relative
	}
	return path
}

// file gives the path of a file that slipway.yaml names.
func (p *project) file(name string) string {
	return shown(filepath.Join(p.config.Dir, filepath.FromSlash(name)))
}

// result gives an empty Result of command.
func (p *project) result(command string) *report.Result {
	return &report.Result{Command: command, Project: p.config.Project, Environment: p.config.Environment}
}

func (p *project) event(kind report.Kind, step, subject, message string) {
	p.Events.Event(report.Event{Kind: kind, Step: step, Subject: subject, Message: message})
}

// resolve reads the secret that text names, such as env:TOKEN, and has it masked.
func (p *project) resolve(ctx context.Context, text string, at ...string) (secret.Value, error) {
	src, err := secret.ParseSource(text)
	if err != nil {
		return secret.Value{}, located(p.config.At(at...), err)
	}
	value, err := p.secrets.Resolve(ctx, src)
	if err != nil {
		return secret.Value{}, located(p.config.At(at...), err)
	}
	secret.Tell(p.Secrets, value)
	return value, nil
}

// state gives the directory of the sandbox.
func (p *project) state() string { return SandboxDirectory(p.config.Dir) }
