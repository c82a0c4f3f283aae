package doctor

import (
	"context"
	"sync"

	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/registry"
)

// visit is a project that is being looked at, with what the looks at several systems need. It
// is found out once.
type visit struct {
	*project.Project
	// token gets an access token for Google Cloud.
	token func() (identity string, err error)
	// reach asks the cluster for its version.
	reach func() (*reached, error)
	// namespace returns an error if the namespace of the runs does not exist, and is not created.
	namespace func() error
	// registries is the client for registries.
	registries func() *registry.Client
	// buildKit finds a BuildKit outside of the cluster.
	buildKit func() (*dockerfile.Builder, error)
}

// reached is a cluster that has answered.
type reached struct {
	*platform.Platform
	version string
}

// newVisit returns a visit whose requests end with ctx.
func newVisit(ctx context.Context, p *project.Project) *visit {
	v := &visit{
		Project: p,
		token: sync.OnceValues(func() (string, error) {
			credentials, err := p.Google(ctx)
			if err != nil {
				return "", err
			}
			_, err = credentials.Token(ctx)
			return credentials.Identity().String(), err
		}),
		reach: sync.OnceValues(func() (*reached, error) {
			to, err := platform.Look(ctx, p)
			if err != nil {
				return nil, &accessError{err}
			}
			version, err := to.Cluster.Version(ctx)
			return &reached{to, version}, err
		}),
		registries: sync.OnceValue(func() *registry.Client { return platform.New(p).Registries() }),
		buildKit: sync.OnceValues(func() (*dockerfile.Builder, error) {
			return dockerfile.Find(ctx, dockerfile.Finder{Environ: p.Environ})
		}),
	}
	v.namespace = sync.OnceValue(func() error {
		to, err := v.reach()
		if err != nil {
			return err
		}
		return to.CheckNamespace(ctx)
	})
	return v
}

// accessError is an error of the access to a cluster that has not been asked.
type accessError struct{ err error }

func (e *accessError) Error() string { return e.err.Error() }

func (e *accessError) Unwrap() error { return e.err }
