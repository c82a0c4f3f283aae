package sandbox

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Keychain returns a keychain with the sandbox's token for the sandbox's registry. For
// all other registries it uses next: base images are pulled with the user's own
// credentials.
func (s *Sandbox) Keychain(next authn.Keychain) authn.Keychain {
	return &keychain{
		host: strings.TrimPrefix(s.Registry, "http://"),
		own:  &authn.Basic{Username: "slipway", Password: string(s.RegistryToken.Reveal())},
		next: next,
	}
}

type keychain struct {
	host string
	own  *authn.Basic
	next authn.Keychain
}

// Resolve implements [authn.Keychain].
func (k *keychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	if resource.RegistryStr() == k.host {
		return k.own, nil
	}
	return k.next.Resolve(resource)
}

// Tried returns what next has tried for a registry, if next can report that.
func (k *keychain) Tried(host string) []string {
	if c, ok := k.next.(interface{ Tried(host string) []string }); ok && host != k.host {
		return c.Tried(host)
	}
	return nil
}
