package project

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/google/gke"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// Access is the access to the cluster of slipway.yaml.
type Access struct {
	// Config is nil if slipway.yaml names no cluster.
	Config *rest.Config
	// Name is what users call the cluster.
	Name string
	// Cluster is the namespace of slipway.yaml there. A command has one, so that connections are
	// shared, and a program that gets credentials and fails is run once. It is nil if Config is.
	Cluster *cluster.Cluster
}

// Access returns the access to the cluster of slipway.yaml. It finds it once: it reads the
// kubeconfig, or asks Google for the cluster. It sends no request to the cluster. Errors
// have the position in slipway.yaml.
func (p *Project) Access(ctx context.Context) (*Access, error) {
	return p.access.get(ctx, func(ctx context.Context) (found *Access, err error) {
		switch cfg := p.Config.Cluster; {
		case cfg == nil:
			return &Access{}, nil
		case cfg.GKE != nil:
			found, err = p.findGKE(ctx, cfg.GKE)
		default:
			found, err = p.readKubeconfig(ctx, cfg.Kubeconfig)
		}
		if err != nil {
			return nil, err
		}
		if found.Cluster, err = cluster.Connect(found.Config, p.Namespace(), found.Name); err != nil {
			return nil, err
		}
		found.Cluster.Pause = p.Sleep
		return found, nil
	})
}

// findGKE asks Google for a cluster.
func (p *Project) findGKE(ctx context.Context, cfg *config.GKE) (*Access, error) {
	credentials, err := p.Google(ctx)
	if err != nil {
		return nil, p.located(err, "cluster", "gke")
	}
	finder := gke.Finder{Credentials: credentials}
	found, err := finder.Find(ctx, gke.Reference{Project: cfg.Project, Location: cfg.Location, Name: cfg.Name}, gke.Endpoint(cfg.Endpoint), cfg.FleetProject)
	if err != nil {
		return nil, p.located(err, "cluster", "gke", culprit(err))
	}
	found.Config.Wrap(p.Skew.Transport)
	return &Access{Config: found.Config, Name: found.Name}, nil
}

// culprit returns the key of cluster.gke that is to be corrected after an error.
func culprit(err error) string {
	var (
		unknown *gke.NotFoundError
		lacking *gke.EndpointError
		alone   *gke.NoMembershipError
	)
	switch {
	case errors.As(err, &unknown):
		return "name"
	case errors.As(err, &lacking), errors.As(err, &alone):
		return "endpoint"
	}
	return ""
}

// readKubeconfig reads a kubeconfig.
func (p *Project) readKubeconfig(ctx context.Context, cfg *config.Kubeconfig) (*Access, error) {
	read := &Access{}
	if err := source.CheckPath(cfg.Path, "cluster.kubeconfig.path"); err != nil {
		return nil, WithPosition(p.Config.At("cluster", "kubeconfig"), err)
	}
	path := cfg.Path
	if path != "" && !filepath.IsAbs(path) {
		path = p.File(path)
	}
	err := panics.CallContext(ctx, func() (err error) { // reading may block: the path may be a shell's <(...)
		read.Config, read.Name, err = cluster.Kubeconfig(path, cfg.Context)
		return err
	})
	if err != nil {
		return nil, WithPosition(p.Config.At("cluster", "kubeconfig"), err)
	}
	p.maskCredentials(read.Config)
	return read, nil
}

// maxKey is the size in bytes of the largest key or token file that is masked.
const maxKey = 16 << 20

// maskCredentials masks the credentials of a kubeconfig, and those that its plugins add to
// requests.
func (p *Project) maskCredentials(access *rest.Config) {
	for _, text := range []string{access.BearerToken, access.Password, string(access.KeyData)} {
		secret.LearnAll(p.Secrets, secret.NewValue([]byte(text)))
	}
	for _, path := range []string{access.BearerTokenFile, access.KeyFile} {
		if text, err := source.ReadFile(nil, path, maxKey); err == nil {
			secret.LearnAll(p.Secrets, secret.NewValue(text))
		}
	}
	if access.AuthProvider != nil {
		for _, value := range access.AuthProvider.Config {
			secret.LearnAll(p.Secrets, secret.NewValue([]byte(value)))
		}
	}
	access.Wrap(func(to http.RoundTripper) http.RoundTripper { return p.Skew.Transport(secret.Watch(to, p.Secrets)) })
}
