package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/google"

	"github.com/slipway-ci/slipway/internal/google/artifactregistry"
	"github.com/slipway-ci/slipway/internal/panics"
)

// googleTimeout is the timeout for finding credentials. Outside of Google Cloud nothing
// answers at the address of the metadata server.
const googleTimeout = 10 * time.Second

// Credentials finds the user's credentials for a registry. It tries, in this order:
//
//   - Docker's configuration and its credential helpers, as DOCKER_CONFIG and
//     REGISTRY_AUTH_FILE locate them;
//   - for Google's registries, the credentials for Google Cloud, of slipway.yaml or of this
//     machine;
//   - for Google's registries, gcloud itself;
//   - anonymous access.
//
// Tokens are renewed when they expire. Credentials records what it tried, so that the error
// for a refused request can say so. It is safe for concurrent use.
type Credentials struct {
	docker         authn.Keychain
	google, gcloud func(context.Context) (authn.Authenticator, error)
	timeout        time.Duration

	mu    sync.Mutex
	known map[string]authn.Authenticator
	tried map[string][]string
}

// NewCredentials returns the credentials of the user who runs slipway. cloud finds those for
// Google Cloud, and is called for Google's registries only.
func NewCredentials(cloud func(context.Context) (authn.Authenticator, error)) *Credentials {
	return &Credentials{
		docker: authn.DefaultKeychain, google: cloud, gcloud: google.NewGcloudAuthenticator, timeout: googleTimeout,
		known: map[string]authn.Authenticator{}, tried: map[string][]string{},
	}
}

// Resolve implements authn.Keychain.
func (c *Credentials) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	return c.ResolveContext(context.Background(), resource)
}

// ResolveContext implements authn.ContextKeychain. It returns an error only if ctx is done:
// a source that fails is recorded, and the next one is tried.
func (c *Credentials) ResolveContext(ctx context.Context, resource authn.Resource) (authn.Authenticator, error) {
	host := resource.RegistryStr()
	c.mu.Lock()
	defer c.mu.Unlock() // one caller looks, and the others wait for its result
	if auth, ok := c.known[host]; ok {
		return auth, nil
	}
	auth, tried := c.find(ctx, resource)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.known[host], c.tried[host] = auth, tried
	return auth, nil
}

// find returns the first credentials that a source has, and descriptions of what was tried.
func (c *Credentials) find(ctx context.Context, resource authn.Resource) (authn.Authenticator, []string) {
	var tried []string
	auth, err := c.withTimeout(ctx, func(ctx context.Context) (authn.Authenticator, error) { return authn.Resolve(ctx, c.docker, resource) })
	switch {
	case errors.Is(err, errHelperTimeout):
		tried = append(tried, "Docker's configuration: its credential helper "+err.Error()+"; see what it waits for with `docker-credential-NAME list`, or name another one in ~/.docker/config.json")
	case err != nil:
		tried = append(tried, "Docker's configuration: "+firstLine(err.Error()))
	case auth != authn.Anonymous:
		return auth, append(tried, "Docker's configuration: it has credentials for "+resource.RegistryStr())
	default:
		tried = append(tried, "Docker's configuration: no credentials for "+resource.RegistryStr())
	}
	if artifactregistry.Serves(resource.RegistryStr()) {
		for _, way := range []struct {
			name string
			find func(context.Context) (authn.Authenticator, error)
		}{{"Google's credentials", c.google}, {"gcloud", c.gcloud}} {
			auth, err := c.withTimeout(ctx, way.find)
			switch {
			case err != nil:
				tried = append(tried, way.name+": "+firstLine(err.Error()))
			case auth == authn.Anonymous:
				tried = append(tried, way.name+": not found")
			default:
				return auth, append(tried, way.name+": credentials found")
			}
		}
	}
	return authn.Anonymous, append(tried, "anonymous access")
}

var errHelperTimeout = errors.New("timed out")

// withTimeout calls find with a timeout, because find may ask a server that does not answer.
// find gets a context that is never cancelled, because the credentials it returns renew
// their tokens later.
func (c *Credentials) withTimeout(ctx context.Context, find func(context.Context) (authn.Authenticator, error)) (authn.Authenticator, error) {
	type found struct {
		auth authn.Authenticator
		err  error
	}
	result := make(chan found, 1)
	panics.Go(func() {
		auth, err := find(context.WithoutCancel(ctx))
		result <- found{auth, err}
	}, func(err error) { result <- found{nil, err} })
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	select {
	case f := <-result:
		return f.auth, f.err
	case <-timer.C:
		return nil, fmt.Errorf("%w (%s)", errHelperTimeout, c.timeout)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Tried returns descriptions of what was tried for a registry. They contain no credentials.
func (c *Credentials) Tried(host string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.tried[host]...)
}

// firstLine returns the first line of text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
