package project

import (
	"context"
	"net/http"
	"path/filepath"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// Access is the access to a cluster that a kubeconfig describes.
type Access struct {
	// Config is nil if slipway.yaml names no kubeconfig.
	Config *rest.Config
	// Name is what users call the cluster.
	Name string
}

// readAccess reads the kubeconfig that slipway.yaml names. It sends no request to the
// cluster.
func (p *Project) readAccess(ctx context.Context) (*Access, error) {
	read, cfg := &Access{}, p.Config.Cluster
	if cfg == nil || cfg.Kubeconfig == nil {
		return read, nil
	}
	path := cfg.Kubeconfig.Path
	if path != "" && !filepath.IsAbs(path) {
		path = p.File(path)
	}
	err := panics.CallContext(ctx, func() (err error) { // reading may block: the path may be a shell's <(...)
		read.Config, read.Name, err = cluster.Kubeconfig(path, cfg.Kubeconfig.Context)
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
	access.Wrap(func(to http.RoundTripper) http.RoundTripper { return secret.Watch(to, p.Secrets) })
}
