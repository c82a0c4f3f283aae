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
	carrier := registry.CachePings(transport.NewUserAgent(to.Transport, "slipway/"+to.Version))
	credentials := keychain{registry.NewCredentials(to.googleLogin), to.Secrets}
	if to.Config.Registry != "" {
		to.Registry = &registry.Client{Prefix: to.Config.Registry, Transport: carrier, Keychain: credentials, Pause: to.Sleep, OnWait: throttledNotes(to.Project)}
		return
	}
	to.Registry = &registry.Client{
		Prefix:      strings.TrimPrefix(to.Sandbox.Registry, "http://"),
		Transport:   carrier,
		Keychain:    to.Sandbox.Keychain(credentials),
		NameOptions: []name.Option{name.Insecure},
		OnWait:      throttledNotes(to.Project),
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
