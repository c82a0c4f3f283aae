package platform

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-ci/slipway/internal/google/artifactregistry"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/registry"
)

// connectRegistry creates the client for the registry of slipway.yaml, or else for the
// sandbox's.
func (to *Platform) connectRegistry() {
	to.Registry = to.Registries()
	if to.Config.Registry == "" {
		to.Registry.Prefix = strings.TrimPrefix(to.Sandbox.Registry, "http://")
		to.Registry.Keychain = to.Sandbox.Keychain(to.Registry.Keychain)
		to.Registry.NameOptions = []name.Option{name.Insecure}
		to.Registry.Pause = nil // by the clock
		return
	}
	to.Registry.Empty = to.NoSecrets != ""
}

// Registries returns a client for registries with the user's credentials. Images can be pushed
// with it if slipway.yaml names a registry, and otherwise only be read.
func (to *Platform) Registries() *registry.Client {
	return &registry.Client{
		Prefix:    to.Config.Registry,
		Transport: registry.CachePings(transport.NewUserAgent(to.Transport, "slipway/"+to.Version)),
		Keychain:  keychain{registry.NewCredentials(to.googleLogin), to.Secrets},
		Pause:     to.Sleep,
		OnWait:    throttledNotes(to.Project),
		Mirrors:   to.Config.RegistryMirrors,
	}
}

// googleLogin returns the credentials for Google's registries.
func (to *Platform) googleLogin(ctx context.Context) (authn.Authenticator, error) {
	credentials, err := to.Google(ctx)
	if err != nil {
		return nil, err
	}
	return artifactregistry.Login(ctx, credentials)
}

// noteEvery is the minimum time between two notes that a request is still waiting.
const noteEvery = 10 * time.Second

// throttledNotes returns a function that sends its text as a note, but drops texts within
// noteEvery of the last note, because many requests may wait for the same reason.
func throttledNotes(p *project.Project) func(text string) {
	var mu sync.Mutex
	var last time.Time
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if now := p.Now(); now.Sub(last) >= noteEvery {
			last = now
			p.Note(text)
		}
	}
}
