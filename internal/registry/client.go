// Package registry is a client for OCI registries: it reads and writes manifests, uploads
// blobs, attaches artifacts, and lists and tags images.
//
// What fails in passing is sent again, a registry that asks to be left alone for a while is
// waited for, and what a registry cannot do (mounts, HEAD, uploads of unknown size, the
// referrers API) is done in another way. It follows the OCI distribution specification 1.1.
package registry

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/silence"
)

// standardLimits bound requests. A registry that has received gigabytes copies and
// hashes them before it answers.
var standardLimits = silence.Limits{Answer: time.Minute, Commit: 5 * time.Minute, Part: 2 * time.Minute, Pace: 256 << 10}

// Client speaks to registries: to the one that images go to, and to those of their bases.
type Client struct {
	// Prefix is what stands before an image's name: asia.gcr.io/acme-ml/team-a.
	Prefix string
	// Transport carries all requests; http.DefaultTransport when nil.
	Transport http.RoundTripper
	// Keychain has the credentials for all registries; none are needed when nil.
	Keychain authn.Keychain
	// NameOptions allow plain HTTP, for the registry of Prefix only.
	NameOptions []name.Option
	// Verify asks for every blob of an image that is there already, and for its size.
	// Without it the registry is trusted to have what its manifests name.
	Verify bool
	// Pause waits between attempts; by the clock when nil.
	Pause func(context.Context, time.Duration) error
	// Waiting is told each time that a busy registry is waited for, by several
	// goroutines at once; may be nil.
	Waiting func(why string)

	// limits bound how long a registry may be silent; standardLimits when zero.
	limits silence.Limits
}

// options are those of a request. go-containerregistry's own retries do not heed
// the context: this package repeats requests itself.
func (c *Client) options(ctx context.Context, more ...remote.Option) []remote.Option {
	options := []remote.Option{
		remote.WithTransport(c.transport()), remote.WithAuthFromKeychain(c.keychain()),
		remote.WithContext(ctx), remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes(),
	}
	return append(options, more...)
}

func (c *Client) transport() http.RoundTripper {
	next, limits := c.Transport, c.limits
	if next == nil {
		next = http.DefaultTransport
	}
	if limits.Answer == 0 {
		limits = standardLimits
	}
	return panics.Transport(later{silence.Transport(next, limits)}) // go-containerregistry asks from its own goroutines
}

func (c *Client) keychain() authn.Keychain {
	if c.Keychain == nil {
		return authn.NewMultiKeychain() // of nobody
	}
	return c.Keychain
}

// Reference returns the repository that an image of this name goes to.
func (c *Client) Reference(image string) (name.Repository, error) {
	if scheme, _, found := strings.Cut(c.Prefix, "://"); found {
		return name.Repository{}, fmt.Errorf("the registry %s is named with %s://; name it as in gcr.io/project", c.Prefix, scheme)
	}
	repository, err := name.NewRepository(strings.TrimSuffix(c.Prefix, "/")+"/"+image, c.NameOptions...)
	if err != nil {
		return name.Repository{}, fmt.Errorf("the registry %q and the image's name %q make no reference: %w", c.Prefix, image, err)
	}
	return repository, nil
}

// Parse reads a reference. That plain HTTP will do for the registry of Prefix
// says nothing of others.
func (c *Client) Parse(text string) (name.Reference, error) {
	reference, err := name.ParseReference(text)
	if err != nil {
		return nil, err
	}
	if own, err := c.Reference("any"); err == nil && own.RegistryStr() == reference.Context().RegistryStr() {
		return name.ParseReference(text, c.NameOptions...)
	}
	return reference, nil
}
