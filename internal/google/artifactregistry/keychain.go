// Package artifactregistry logs in to Google's registries: Artifact Registry, at *.pkg.dev,
// and gcr.io, which it also serves.
package artifactregistry

import (
	"context"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/slipway-ci/slipway/internal/google"
)

// username is the name that goes with an access token. See
// cloud.google.com/artifact-registry/docs/docker/authentication.
const username = "oauth2accesstoken"

// Keychain has the credentials for Google's registries, and none for others.
type Keychain struct{ Credentials *google.Credentials }

// Resolve implements authn.Keychain.
func (k Keychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), resource)
}

// ResolveContext implements authn.ContextKeychain. It sends no request.
func (k Keychain) ResolveContext(_ context.Context, resource authn.Resource) (authn.Authenticator, error) {
	if !Serves(resource.RegistryStr()) {
		return authn.Anonymous, nil
	}
	return authenticator{k.Credentials}, nil
}

// Tried returns which credentials were tried for a registry, for errors.
func (k Keychain) Tried(host string) []string {
	if !Serves(host) {
		return nil
	}
	return []string{k.Credentials.Identity().String()}
}

// Serves reports whether a host is a registry of Google.
func Serves(host string) bool {
	return strings.HasSuffix(host, ".pkg.dev") || host == "gcr.io" || strings.HasSuffix(host, ".gcr.io")
}

// authenticator gives an access token as a password.
type authenticator struct{ credentials *google.Credentials }

// Authorization implements authn.Authenticator.
func (a authenticator) Authorization() (*authn.AuthConfig, error) {
	return a.AuthorizationContext(context.Background())
}

// AuthorizationContext implements authn.ContextAuthenticator. Each call returns a token that
// is valid for a while.
func (a authenticator) AuthorizationContext(ctx context.Context) (*authn.AuthConfig, error) {
	token, err := a.credentials.Token(ctx)
	if err != nil {
		return nil, err
	}
	return &authn.AuthConfig{Username: username, Password: string(token.Reveal())}, nil
}
