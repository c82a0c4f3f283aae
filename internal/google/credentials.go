package google

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"golang.org/x/oauth2"

	"github.com/slipway-ci/slipway/internal/secret"
)

// Credentials are an identity and its access tokens. They are safe for concurrent use.
type Credentials struct {
	options Options
	// project is the project that the credentials belong to, and quota the one whose quota
	// their requests count against. Each is "" if the credentials do not say.
	project, quota string
	// issue gets a new access token. Its requests go through the HTTP client of ctx.
	issue func(ctx context.Context) (*oauth2.Token, error)
	// masker masks the secrets of these credentials in errors.
	masker *secret.Masker
	tokens tokens

	mu       sync.Mutex
	identity Identity
	claims   claims
}

// Find returns the credentials that options describe, or Application Default Credentials.
// It checks them as far as that needs no request. Only on a machine without any it sends
// one, to the metadata server of this machine. The error is a *KeyError if a key cannot be
// used, a *NoCredentialsError if there are none, and an *OverrideError if the environment names
// an address to which no token may be sent.
func Find(ctx context.Context, options Options) (*Credentials, error) {
	if options.Endpoints == (Endpoints{}) {
		public, err := Public().overridden(options.Lookup)
		if err != nil {
			return nil, err
		}
		options.Endpoints = public
	}
	c := &Credentials{options: options.complete(), masker: secret.NewMasker()}
	c.tokens.renew = c.renew
	keyed := options.Key.Len() > 0 || options.KeyFrom != ""
	var err error
	switch {
	case keyed && options.Federation != nil:
		return nil, errors.New("both a service account key and Workload Identity Federation are given: leave one out")
	case keyed:
		c.Learn(options.Key.Reveal(), true)
		err = c.useKey(options.Key.Reveal(), options.KeyFrom)
	case options.Federation != nil:
		err = c.useFederation(*options.Federation)
	default:
		err = c.useDefault(ctx)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Identity returns who the credentials are for. It sends no request, so it may know more
// after the first token: the subject of a pool, or the address of a user.
func (c *Credentials) Identity() Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identity
}

// identify sets the identity.
func (c *Credentials) identify(i Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.identity = i
}

// Project returns the project that the credentials belong to, or "" if they do not say.
func (c *Credentials) Project() string { return c.project }

// Endpoints returns the addresses of the services.
func (c *Credentials) Endpoints() Endpoints { return c.options.Endpoints }

// Token returns an access token that is valid for a while. It gets a new one shortly before
// the last one expires. Callers that need one at the same time wait for the same request.
// The error is a *TokenError, a *PermissionError or a *DisabledError, or that of ctx.
func (c *Credentials) Token(ctx context.Context) (secret.Value, error) {
	token, err := c.tokens.get(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	return secret.NewValue([]byte(token.AccessToken)), nil
}

// TokenSource returns the tokens as an oauth2.TokenSource, each of which is got with ctx.
func (c *Credentials) TokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenSource{ctx, c}
}

// tokenSource is an oauth2.TokenSource.
type tokenSource struct {
	ctx context.Context
	*Credentials
}

// Token implements oauth2.TokenSource.
func (s tokenSource) Token() (*oauth2.Token, error) { return s.tokens.get(s.ctx) }

// Learn implements secret.Learner: errors of these credentials do not contain value from
// now on, and the learner of the options masks it everywhere.
func (c *Credentials) Learn(value []byte, sure bool) {
	if len(value) == 0 {
		return
	}
	c.masker.Learn(value, sure)
	if c.options.Secrets != nil {
		c.options.Secrets.Learn(value, sure)
	}
}

// client returns a client for requests without a token of these credentials.
func (c *Credentials) client() *http.Client {
	return &http.Client{Transport: c.options.Transport, CheckRedirect: keepRedirect}
}

// keepRedirect returns a redirect as it is. No service of Google redirects, and a proxy that
// does must not get a token.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
