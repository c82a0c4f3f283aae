// Package registry is a client for OCI registries: it reads and writes manifests, uploads
// blobs, attaches artifacts, and lists and tags images.
//
// Requests that fail with a temporary error are retried, and a registry that sends
// Retry-After is waited for. Where a registry does not support mounts, HEAD, uploads of
// unknown size or the referrers API, the client falls back to another request. The protocol
// is the OCI distribution specification 1.1.
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
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// standardLimits bound how long a registry may be silent. Commit is longer than Answer
// because a registry that has received gigabytes copies and hashes them before it responds.
var standardLimits = timeouts.Limits{Response: time.Minute, Write: 5 * time.Minute, Chunk: 2 * time.Minute, Pace: 256 << 10}

// Client is a client for registries: the one that images are pushed to, and those of their
// base images.
type Client struct {
	// Prefix is the registry and path that precede an image's name, such as
	// asia.gcr.io/acme-ml/team-a.
	Prefix string
	// Transport carries all requests. If nil, http.DefaultTransport is used.
	Transport http.RoundTripper
	// Keychain has the credentials for all registries. If nil, access is anonymous.
	Keychain authn.Keychain
	// NameOptions allow plain HTTP. They apply only to the registry of Prefix.
	NameOptions []name.Option
	// Mirrors are the registries that images are read from in place of others, by the host of the
	// other one. A mirror is a host and the beginning of a path, such as mirror.example.com/hub.
	// They do not concern the registry that is pushed to.
	Mirrors map[string]string
	// Verify makes a push check that every blob of an existing image is in the registry and
	// has the right size. If false, the registry is trusted to have the blobs that its
	// manifests name.
	Verify bool
	// Empty makes Open give repositories that have nothing and take nothing, without asking the
	// registry. Bases are read as ever.
	Empty bool
	// Pause waits between attempts. If nil, it waits by the clock.
	Pause func(context.Context, time.Duration) error
	// OnWait is called each time a request waits for a busy registry, possibly from
	// several goroutines at once. It may be nil.
	OnWait func(why string)

	// limits bound how long a registry may be silent. If zero, standardLimits apply.
	limits timeouts.Limits
}

// options returns the options of a request. They turn off the retries of
// go-containerregistry, which ignore the context. This package retries requests itself.
func (c *Client) options(ctx context.Context, more ...remote.Option) []remote.Option {
	options := []remote.Option{
		remote.WithTransport(c.transport()), remote.WithAuthFromKeychain(c.keychain()),
		remote.WithContext(ctx), remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes(),
	}
	return append(options, more...)
}

// transport returns the transport for all requests, with timeouts.
func (c *Client) transport() http.RoundTripper {
	next, limits := c.Transport, c.limits
	if next == nil {
		next = http.DefaultTransport
	}
	if limits.Response == 0 {
		limits = standardLimits
	}
	// go-containerregistry sends requests from its own goroutines, so panics are caught here.
	return panics.Transport(retryAfterTransport{timeouts.Transport(next, limits)})
}

// keychain returns the credentials, which may be anonymous.
func (c *Client) keychain() authn.Keychain {
	if c.Keychain == nil {
		return authn.NewMultiKeychain() // anonymous
	}
	return c.Keychain
}

// Reference returns the repository that the named image is pushed to.
func (c *Client) Reference(image string) (name.Repository, error) {
	if scheme, _, found := strings.Cut(c.Prefix, "://"); found {
		return name.Repository{}, fmt.Errorf("the registry %s must not begin with %s://; write it as in gcr.io/project", c.Prefix, scheme)
	}
	repository, err := name.NewRepository(strings.TrimSuffix(c.Prefix, "/")+"/"+image, c.NameOptions...)
	if err != nil {
		return name.Repository{}, fmt.Errorf("the registry %q with the image name %q is not a valid image reference: %w", c.Prefix, image, err)
	}
	return repository, nil
}

// Parse parses a reference to an image. NameOptions, which may allow plain HTTP, apply only
// if the image is in the registry of Prefix.
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
