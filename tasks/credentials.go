package tasks

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// keychain has the credentials that another one finds masked.
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

// Tried tells what was tried for a registry, where the keychain knows.
func (k keychain) Tried(host string) []string {
	if c, ok := k.Keychain.(interface{ Tried(host string) []string }); ok {
		return c.Tried(host)
	}
	return nil
}

// authenticator has what another one gives masked, each time: tokens are renewed.
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
		secret.Tell(a.secrets, secret.NewValue([]byte(text)))
	}
	return config, nil
}

// learn has the secrets of slipway.yaml masked that can be read here, whatever the
// command is: jobs print them, and servers tell them. Those that cannot be read are
// an error where they are needed.
func (p *project) learn(ctx context.Context) {
	for _, text := range p.config.Sources() {
		if from, err := secret.ParseSource(text); err == nil {
			if value, err := p.secrets.Resolve(ctx, from); err == nil {
				secret.Tell(p.Secrets, value)
			}
		}
	}
	for _, variable := range p.Environ {
		name, value, _ := strings.Cut(variable, "=")
		if at, err := url.Parse(value); err == nil && at.User != nil {
			password, _ := at.User.Password()
			secret.Tell(p.Secrets, secret.NewValue([]byte(password)))
		}
		if indexPassword.MatchString(name) {
			secret.Tell(p.Secrets, secret.NewValue([]byte(value)))
		}
	}
}

// indexPassword finds the variables by which uv, Poetry and pip take passwords.
var indexPassword = regexp.MustCompile(`^(UV_INDEX_.*_PASSWORD|POETRY_HTTP_BASIC_.*_PASSWORD|POETRY_PYPI_TOKEN_.*|TWINE_PASSWORD)$`)

// hideAccess has what a kubeconfig holds, and what plugins add to requests, masked.
func (p *project) hideAccess(access *rest.Config) {
	for _, text := range []string{access.BearerToken, access.Password, string(access.KeyData)} {
		secret.Tell(p.Secrets, secret.NewValue([]byte(text)))
	}
	for _, path := range []string{access.BearerTokenFile, access.KeyFile} {
		if text, err := source.ReadFile(nil, path, maxText); err == nil {
			secret.Tell(p.Secrets, secret.NewValue(text))
		}
	}
	if access.AuthProvider != nil {
		for _, value := range access.AuthProvider.Config {
			secret.Tell(p.Secrets, secret.NewValue([]byte(value)))
		}
	}
	access.Wrap(func(to http.RoundTripper) http.RoundTripper { return secret.Watch(to, p.Secrets) })
}
