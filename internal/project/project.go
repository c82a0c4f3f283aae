// Package project represents a repository with a slipway.yaml: the configuration, what
// git and the machine report about the working tree, and the secrets that slipway.yaml
// names.
package project

import (
	"context"
	"net/http"
	"sync"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Project is a repository whose slipway.yaml has been read. A command reads slipway.yaml,
// and each file that it names, only once, so that what is sent is what was checked.
type Project struct {
	*Env
	Config *config.Config
	// Params are the params of the command line, by job and by input.
	Params map[string]map[string]string
	// Offline reports whether commands must not send requests to servers or read secrets.
	Offline bool
	// NoSecrets says why this workflow gets no secrets, or is "" if it may have them. Commands
	// then do what needs none, and contact only the registries of bases.
	NoSecrets string
	// UpgradeSystem moves the system packages of images to the newest versions.
	UpgradeSystem bool
	// PolyaxonVersion is the release that the command line names, or "" for the server's
	// own.
	PolyaxonVersion string
	// Public sends requests without slipway's credentials. The caller is responsible for
	// the addresses.
	Public http.RoundTripper
	// Skew has the clocks of the servers that have answered.
	Skew *clock.Skew
	// FileCache caches the texts of Polyaxonfiles as they were first read.
	FileCache *file.Cache
	// Revision returns the commit and the state of the working tree. It runs git once.
	Revision func() revision.Revision
	// PrefetchRevision runs git in the background, so that Revision returns sooner.
	PrefetchRevision func()
	// RecheckRevision is like Revision, but a clean working tree that has changed since, by an
	// edit or by another commit, counts as not clean from then on.
	RecheckRevision func(context.Context) revision.Revision

	secrets *secret.Resolver
	google  once[*google.Credentials]
	access  once[*Access]
	remote  once[struct{}]
	// told has the causes of FirstTime.
	told sync.Map
	// untaggedOnce and cacheUnusedOnce make sure that the notes of NoteUntagged and
	// NoteCacheUnused are sent once.
	untaggedOnce, cacheUnusedOnce sync.Once
}

// FirstTime reports whether this command has not told of a cause yet, such as a server that is
// down, and counts it as told.
func (p *Project) FirstTime(cause string) bool {
	_, told := p.told.LoadOrStore(cause, true)
	return !told
}

// FrozenLock reports whether slipway.lock must have all that slipway.yaml asks for: without a
// network, and in CI, where nobody would commit it.
func (p *Project) FrozenLock() bool {
	ci, _ := p.Lookup("CI")
	return p.Offline || !p.UpgradeSystem && (ci == "true" || ci == "1")
}

// Open reads slipway.yaml and masks the secrets that it names. Errors in slipway.yaml are
// *source.Error. If the directory .slipway is tracked by git, is not a directory or
// belongs to another user, the error is an *exit.UsageError, as it is in a workflow that has
// secrets and the code of a fork.
func Open(ctx context.Context, env *Env) (*Project, error) {
	path, err := env.configPath()
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(DisplayPath(path), config.Options{Environment: env.Environment, Lookup: env.Lookup})
	if err != nil {
		return nil, err
	}
	if err := checkStateDir(ctx, cfg.Dir, env.Environ); err != nil {
		return nil, err
	}
	if env.Secrets != nil {
		env.Secrets.Public(cfg.Registry)
	}
	watched, skew := *env, &clock.Skew{Now: env.Now}
	watched.Transport = panics.Transport(secret.Watch(skew.Transport(env.Transport), env.Secrets))
	p := &Project{
		Env:       &watched,
		Config:    cfg,
		Public:    env.Transport, // as it is: who uses it limits which addresses an http.Transport reaches
		Skew:      skew,
		FileCache: file.NewCache(),
		secrets:   &secret.Resolver{Dir: cfg.Dir, Lookup: env.Lookup},
	}
	tree := newWorkingTree(cfg, env.Environ)
	p.PrefetchRevision = func() { tree.prefetch(ctx) }
	p.Revision, p.RecheckRevision = func() revision.Revision { return tree.revision(ctx) }, tree.recheck
	if err := p.checkForeignCode(ctx); err != nil {
		return nil, err
	}
	p.secrets.Remotes = p.remotes()
	p.maskSecrets(ctx)
	p.NoSecrets = p.findNoSecrets(ctx)
	return p, nil
}

// ReadsSecrets reports whether commands read the secrets that slipway.yaml names.
func (p *Project) ReadsSecrets() bool { return !p.Offline && p.NoSecrets == "" }

// Names are the names of the images, jobs, services and environments in a slipway.yaml.
type Names struct{ Images, Jobs, Services, Environments []string }

// ReadNames returns the names in slipway.yaml. It returns no names if the file does not
// exist or cannot be read.
func ReadNames(env *Env) Names {
	path, err := env.configPath()
	if err != nil {
		return Names{}
	}
	names, _ := config.ReadNames(path, env.Environment) // completion shows no errors
	return Names(names)
}

// Result is like Env.Result. It also sets the project and the environment.
func (p *Project) Result(command string) *report.Result {
	result := p.Env.Result(command)
	result.Project, result.Environment = p.Config.Project, p.Config.Environment
	return result
}

// NoteUntagged sends a note with the reason why images do not get the tag of a commit. It
// does so once per Project.
func (p *Project) NoteUntagged(image, reason string) {
	p.untaggedOnce.Do(func() { p.Event(report.Note, "image", image, "images are not tagged with the commit: "+reason) })
}
