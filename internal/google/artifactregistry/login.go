// Package artifactregistry logs in to Google's registries: Artifact Registry, at
// *-docker.pkg.dev, and gcr.io, which it also serves.
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

// Serves reports whether a host is a registry of Google.
func Serves(host string) bool {
	return strings.HasSuffix(host, "-docker.pkg.dev") || host == "gcr.io" || strings.HasSuffix(host, ".gcr.io")
}

// Login returns the credentials for a registry of Google, once there is an access token.
func Login(ctx context.Context, credentials *google.Credentials) (authn.Authenticator, error) {
	if _, err := credentials.Token(ctx); err != nil {
		return nil, err
	}
	return authenticator{credentials}, nil
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
