package platform

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/slipway-ci/slipway/internal/secret"
)

// keychain masks the credentials that another keychain finds.
type keychain struct {
	authn.Keychain
	secrets secret.Learner
}

// Resolve implements authn.Keychain.
func (k keychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), resource)
}

// ResolveContext implements authn.ContextKeychain.
func (k keychain) ResolveContext(ctx context.Context, resource authn.Resource) (authn.Authenticator, error) {
	found, err := authn.Resolve(ctx, k.Keychain, resource)
	if err != nil || found == authn.Anonymous {
		return found, err
	}
	return authenticator{found, k.secrets}, nil
}

// Tried returns where credentials for a registry were searched for, or nil if the wrapped
// keychain does not know.
func (k keychain) Tried(host string) []string {
	if c, ok := k.Keychain.(interface{ Tried(host string) []string }); ok {
		return c.Tried(host)
	}
	return nil
}

// authenticator masks the credentials that another authenticator returns. It does so on
// each call, because tokens are renewed.
type authenticator struct {
	authn.Authenticator
	secrets secret.Learner
}

// Authorization implements authn.Authenticator.
func (a authenticator) Authorization() (*authn.AuthConfig, error) {
	return a.AuthorizationContext(context.Background())
}

// AuthorizationContext implements authn.ContextAuthenticator.
func (a authenticator) AuthorizationContext(ctx context.Context) (*authn.AuthConfig, error) {
	config, err := authn.Authorization(ctx, a.Authenticator)
	if err != nil {
		return config, err
	}
	for _, text := range []string{config.Password, config.Auth, config.IdentityToken, config.RegistryToken} {
		secret.LearnAll(a.secrets, secret.NewValue([]byte(text)))
	}
	return config, nil
}
