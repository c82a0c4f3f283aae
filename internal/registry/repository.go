package registry

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Scopes for Open.
const (
	Pull = transport.PullScope
	Push = transport.PushScope
)

// Parallel is the number of requests that one command has in flight at once.
const Parallel = 6

// Repository is a repository of a registry, with credentials for it. Its methods retry
// requests that fail with a temporary error.
type Repository struct {
	// Name is the full name of the repository.
	Name name.Repository
	// Meter counts the bytes that are sent.
	Meter *Meter
	// OnDamaged, if not nil, is called once for each blob that has the wrong size in the
	// registry and will be uploaded again. It needs Client.Verify. The sizes are in bytes.
	OnDamaged func(digest v1.Hash, has, want int64)

	client *Client
	wire   *wire
	// damaged are the blobs that are incomplete in the registry.
	damaged damaged
	// refusesStreams reports whether the registry refuses blobs of unknown size.
	refusesStreams atomic.Bool
}

// Open authenticates with the registry of a repository. The scope is Pull or Push. Open
// also requests permission to read the other repositories, from which blobs may be mounted,
// and does without it if the registry refuses.
func (c *Client) Open(ctx context.Context, repository name.Repository, scope string, others ...name.Repository) (*Repository, error) {
	if c.Empty {
		return &Repository{Name: repository, Meter: &Meter{}, client: c, wire: newWire(repository, emptyTransport{})}, nil
	}
	own := []string{repository.Scope(scope)}
	scopes := own
	for _, other := range others {
		scopes = append(scopes, other.Scope(Pull))
	}
	var trip http.RoundTripper
	err := c.retry(ctx, func() error {
		auth, err := authn.Resolve(ctx, c.keychain(), repository)
		if err != nil {
			return err
		}
		trip, err = transport.NewWithContext(ctx, repository.Registry, auth, c.transport(), scopes)
		if code := Status(err); len(others) > 0 && (code == http.StatusUnauthorized || code == http.StatusForbidden) {
			// A user who may not read the others gets no token for all of them. Their
			// layers are then uploaded instead of mounted.
			trip, err = transport.NewWithContext(ctx, repository.Registry, auth, c.transport(), own)
		}
		return err
	})
	if err != nil {
		return nil, c.Explain("look up "+repository.String(), repository.RegistryStr(), err)
	}
	return &Repository{Name: repository, Meter: &Meter{}, client: c, wire: newWire(repository, trip)}, nil
}

// Ping asks the registry which credentials it wants while there is other work to do, so
// that Open need not wait for the response. It does nothing unless the transport is that of
// CachePings. It ignores errors, which Open will return.
func (c *Client) Ping(ctx context.Context, image string) {
	if _, remembers := c.Transport.(*pings); !remembers || c.Prefix == "" || c.Empty {
		return
	}
	if repository, err := c.Reference(image); err == nil {
		_, _ = transport.Ping(ctx, repository.Registry, c.transport())
	}
}

// Explain calls Client.Explain for the repository's registry.
func (r *Repository) Explain(doing string, err error) error {
	return r.client.Explain(doing, r.Name.RegistryStr(), err)
}

// Tagged returns the image that a tag in an image's repository refers to, by digest, or nil
// if there is none.
func (c *Client) Tagged(ctx context.Context, image, tag string) (*name.Digest, error) {
	repository, err := c.Reference(image)
	if err != nil {
		return nil, err
	}
	at, err := c.Open(ctx, repository, Pull)
	if err != nil {
		return nil, err
	}
	found, err := at.Manifest(ctx, tag)
	if err != nil || found == nil {
		return nil, err
	}
	digest := repository.Digest(found.Digest.String())
	return &digest, nil
}
