package tasks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/tasks/report"
)

// platform is where images, secrets and runs go: what slipway.yaml names, and
// the sandbox for what it leaves out.
type platform struct {
	registry  *registry.Client
	cluster   *cluster.Cluster
	polyaxon  *polyaxon.Client
	namespace string
	// access is that to a cluster which is no sandbox, nil without one.
	access *rest.Config
	// target is the system that images are built for.
	target v1.Platform
	// sandbox is nil when nothing of it is used.
	sandbox *sandbox.Sandbox
	// gateway leads to a Polyaxon that only the cluster reaches; nil for another.
	gateway http.RoundTripper
	// creates is the namespace that slipway.yaml has created, "" when it is there.
	creates string
	// embedded tells whether runs go to the sandbox.
	embedded bool
	// clock is nil for the system's.
	clock run.Clock
}

// envClock is the time of an Env whose Sleep is set.
type envClock struct{ *Env }

// Now implements run.Clock.
func (c envClock) Now() time.Time { return c.Env.Now() }

// Sleep implements run.Clock.
func (c envClock) Sleep(ctx context.Context, d time.Duration) error { return c.Env.Sleep(ctx, d) }

// AfterFunc implements run.Clock: by the system's, for Sleep may be cut short.
func (c envClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// uses are the parts of the platform that a command reaches for.
type uses struct {
	// images are in the registry, secrets in the cluster, runs on Polyaxon.
	images, secrets, runs bool
}

// sandboxed tells whether a part is the sandbox's.
func (p *project) sandboxed(u uses) bool {
	return u.images && p.config.Registry == "" || u.secrets && p.config.Cluster == nil || u.runs && p.config.Sandboxed()
}

// connect gives access to the parts of the platform that a command uses, and to no
// other, starting the sandbox when one of them is there and it does not run yet.
func (p *project) connect(ctx context.Context, u uses) (*platform, error) {
	to := p.platform()
	if err := p.refuseHalfClouds(u); err != nil {
		return nil, err
	}
	return to, p.extend(ctx, to, u)
}

// extend connects a platform to more parts.
func (p *project) extend(ctx context.Context, to *platform, u uses) error {
	if p.sandboxed(u) && to.sandbox == nil {
		_ = state.Make(p.config.Dir) // what it needs, it makes, and says why it cannot
		was, absent := sandbox.Running(ctx, p.state())
		starts := absent != nil || !was.Is(p.sandboxRelease()) && was.ActiveRuns == 0
		if absent == nil && starts {
			p.event(report.Note, "", "", fmt.Sprintf("the sandbox is Polyaxon %s, and %s is wanted: it is started anew", was.Release, release(p.sandboxVersion())))
		}
		if starts {
			p.event(report.Start, "sandbox", shown(p.state()), "starting")
		}
		joined, err := sandbox.Join(ctx, sandbox.Options{Dir: p.state(), Self: p.Self, Lookup: p.Lookup, Version: p.Version, Release: p.sandboxRelease()})
		if busy := new(sandbox.BusyError); errors.As(err, &busy) {
			return located(p.config.At("sandbox", "polyaxon"), err)
		}
		if err != nil {
			return fmt.Errorf("start the sandbox: %w", err)
		}
		if starts {
			p.event(report.Done, "sandbox", shown(p.state()), "started")
		}
		to.sandbox = joined
		secret.Tell(p.Secrets, joined.Token, joined.RegistryToken, joined.KubernetesToken)
	}
	if to.embedded && to.sandbox != nil {
		os, arch, _ := strings.Cut(to.sandbox.Platform, "/")
		to.target = v1.Platform{OS: os, Architecture: arch}
		to.namespace = to.sandbox.Namespace
		if to.sandbox.Isolation != "" && u.runs {
			p.event(report.Note, "", "", "jobs are not isolated from this machine: "+to.sandbox.Isolation)
		}
	}
	if u.images {
		if err := p.connectRegistry(ctx, to); err != nil {
			return err
		}
	}
	if to.cluster == nil && (u.secrets || u.runs && (p.config.Cluster != nil || to.embedded)) {
		err := p.connectCluster(ctx, to)
		if err != nil && p.config.Polyaxon != nil && !u.secrets {
			p.event(report.Note, "", "", "pods are not looked at, only what Polyaxon tells of them: "+err.Error())
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if u.secrets {
		if err := p.checkNamespace(ctx, to); err != nil {
			return err
		}
	}
	if u.runs {
		return p.connectPolyaxon(ctx, to)
	}
	return nil
}

// platform gives one that is connected to nothing yet.
func (p *project) platform() *platform {
	to := &platform{namespace: p.namespace(), target: v1.Platform{OS: "linux", Architecture: "amd64"}, embedded: p.config.Sandboxed()}
	if to.embedded {
		to.target = v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH} // as the sandbox is this machine
	}
	if p.Sleep != nil {
		to.clock = envClock{p.Env}
	}
	return to
}

// refuseHalfClouds refuses what cannot work: a cluster elsewhere can neither
// pull from the sandbox's registry nor see its secrets.
func (p *project) refuseHalfClouds(u uses) error {
	cfg := p.config
	switch {
	case !u.images && !u.secrets: // nothing goes to the one that the other would not see
	case u.images && cfg.Cluster != nil && cfg.Registry == "":
		return &source.Error{Position: cfg.At("cluster"), Message: "runs in the cluster cannot pull from the sandbox's registry",
			Hint: "set registry, or leave cluster out to use the sandbox"}
	case u.images && cfg.Polyaxon != nil && cfg.Registry == "":
		return &source.Error{Position: cfg.At("polyaxon"), Message: "runs on " + cfg.Polyaxon.Host + " cannot pull from the sandbox's registry",
			Hint: "set registry, or leave polyaxon out to use the sandbox"}
	case u.secrets && cfg.Polyaxon != nil && cfg.Cluster == nil && p.secretAt() != nil:
		return &source.Error{Position: cfg.At(p.secretAt()...), Message: "runs on " + cfg.Polyaxon.Host + " cannot see the sandbox's secrets",
			Hint: "set cluster, or leave polyaxon out to use the sandbox"}
	}
	return nil
}

// tellEvery is how often it is told that something is still waited for.
const tellEvery = 10 * time.Second

// rarely gives a function that tells its text as a note, and keeps quiet for a while
// then: many requests may wait for the same.
func (p *project) rarely() func(text string) {
	var mu sync.Mutex
	var last time.Time
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if now := p.Now(); now.Sub(last) >= tellEvery {
			last = now
			p.event(report.Note, "", "", text)
		}
	}
}

func (p *project) connectRegistry(ctx context.Context, to *platform) error {
	carrier := registry.RememberPings(transport.NewUserAgent(p.Transport, "slipway/"+p.Version))
	if p.config.Registry != "" {
		to.registry = &registry.Client{Prefix: p.config.Registry, Transport: carrier, Keychain: keychain{registry.NewCredentials(), p.Secrets}, Waiting: p.rarely()}
		return nil
	}
	to.registry = &registry.Client{
		Prefix:      strings.TrimPrefix(to.sandbox.Registry, "http://"),
		Transport:   carrier,
		Keychain:    to.sandbox.Keychain(keychain{registry.NewCredentials(), p.Secrets}),
		NameOptions: []name.Option{name.Insecure},
		Waiting:     p.rarely(),
	}
	return nil
}

func (p *project) connectCluster(ctx context.Context, to *platform) error {
	cfg := p.config.Cluster
	if cfg == nil {
		access := &rest.Config{Host: to.sandbox.Kubernetes, BearerToken: string(to.sandbox.KubernetesToken.Reveal())}
		connected, err := cluster.Connect(access, to.namespace, "sandbox")
		to.cluster = connected
		return err
	}
	if cfg.Kubeconfig == nil {
		return &source.Error{Position: p.config.At("cluster"), Message: "no way to reach the cluster is given", Hint: "set cluster.kubeconfig"}
	}
	if cfg.Namespace != "" {
		to.namespace = cfg.Namespace
	}
	access, err := p.access()
	if err != nil {
		return err
	}
	to.access = access.config
	to.cluster, err = cluster.Connect(access.config, to.namespace, access.name)
	return err
}

// checkNamespace refuses a namespace that does not exist, unless slipway.yaml has it
// created: a typo must put no secrets into a namespace that nobody knows.
func (p *project) checkNamespace(ctx context.Context, to *platform) error {
	if p.config.Cluster == nil {
		return nil
	}
	err := to.cluster.CheckNamespace(ctx)
	none := new(cluster.NoNamespaceError)
	switch {
	case !errors.As(err, &none):
		return err
	case p.config.Cluster.CreateNamespace:
		to.creates = none.Namespace
		return nil
	}
	at := p.config.At("cluster")
	if p.config.Cluster.Namespace != "" {
		at = p.config.At("cluster", "namespace")
	}
	return &source.Error{Position: at, Message: none.Error(), Hint: "correct cluster.namespace, or set create-namespace: true there to have it created", Err: err}
}

// access is what a kubeconfig gives: the way to a cluster, and what users call that.
type access struct {
	config *rest.Config
	name   string
}

// readAccess reads the kubeconfig that slipway.yaml names; it gives no way when none is
// named. The cluster is not asked.
func (p *project) readAccess(ctx context.Context) (*access, error) {
	read, cfg := &access{}, p.config.Cluster
	if cfg == nil || cfg.Kubeconfig == nil {
		return read, nil
	}
	path := cfg.Kubeconfig.Path
	if path != "" && !filepath.IsAbs(path) {
		path = p.file(path)
	}
	err := panics.Within(ctx, func() (err error) { // it may be a shell's <(...), which is waited for
		read.config, read.name, err = cluster.Kubeconfig(path, cfg.Kubeconfig.Context)
		return err
	})
	if err != nil {
		return nil, located(p.config.At("cluster", "kubeconfig"), err)
	}
	p.hideAccess(read.config)
	return read, nil
}

func (p *project) connectPolyaxon(ctx context.Context, to *platform) error {
	options := polyaxon.Options{Transport: p.Transport, Sleep: p.Sleep}
	switch cfg := p.config.Polyaxon; {
	case cfg != nil:
		options.Host, options.Owner = cfg.Host, cfg.Owner
		if cfg.Token != "" {
			token, err := p.resolve(ctx, cfg.Token, "polyaxon", "token")
			if err != nil {
				return err
			}
			options.Token = token
		}
	case p.config.Cluster != nil:
		found, err := to.cluster.Polyaxon(ctx)
		if none := new(cluster.NoPolyaxonError); errors.As(err, &none) {
			return located(p.config.At("cluster"), err)
		}
		if err != nil {
			return err
		}
		to.gateway = found.Transport()
		options.Host, options.Transport = found.Host(), secret.Watch(to.gateway, p.Secrets)
	default:
		options.Host, options.Token = to.sandbox.Polyaxon, to.sandbox.Token
	}
	client, err := polyaxon.New(options)
	to.polyaxon = client
	return err
}

// located puts err at a position of the user's file, unless it names one itself.
func located(at source.Position, err error) error {
	var already *source.Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &source.Error{Position: at, Message: err.Error(), Err: err}
}

// sandboxPatience is how long a sandbox may be silent: loopback has no outages, so
// that it has ended, however it did.
const sandboxPatience = 5 * time.Second

// following gives options to follow runs on the platform with.
func (p *project) following(to *platform, o run.FollowOptions) run.FollowOptions {
	o.Clock = to.clock
	if to.embedded {
		o.Patience, o.Whole = sandboxPatience, p.sandboxVersion().Major > 1 // 1.11.3 tells the last lines only
	} else {
		o.Cluster = to.pods()
	}
	return o
}

// pods gives the cluster that runs have their pods in, nil without access to it: the
// sandbox has none.
func (to *platform) pods() run.Cluster {
	if to.embedded || to.access == nil || to.cluster == nil {
		return nil
	}
	return to.cluster
}
