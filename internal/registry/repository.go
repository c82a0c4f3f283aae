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

// What Open asks to be let do.
const (
	Pull = transport.PullScope
	Push = transport.PushScope
)

// Parallel is how many requests of one command go at once.
const Parallel = 6

// Repository is one repository of a registry, with the credentials for it. What its methods
// send is sent again when it fails in passing.
type Repository struct {
	Name name.Repository
	// Meter counts what is sent.
	Meter *Meter
	// Damaged, when not nil, is told once of each blob that is not whole there, and that
	// is sent again: Client.Verify.
	Damaged func(digest v1.Hash, has, want int64)

	client *Client
	wire   *wire
	// damaged are the blobs that the registry has, and not whole.
	damaged damaged
	// whole tells that the registry refuses blobs of unknown size.
	whole atomic.Bool
}

// Open asks the repository's registry what credentials it wants, and gets them: for Pull
// or for Push, and for reading the others, from which blobs may be mounted.
func (c *Client) Open(ctx context.Context, repository name.Repository, scope string, others ...name.Repository) (*Repository, error) {
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
			// Who may not read the others gets no token for all; their layers are sent then.
			trip, err = transport.NewWithContext(ctx, repository.Registry, auth, c.transport(), own)
		}
		return err
	})
	if err != nil {
		return nil, c.Explain("ask for "+repository.String(), repository.RegistryStr(), err)
	}
	return &Repository{Name: repository, Meter: &Meter{}, client: c, wire: newWire(repository, trip)}, nil
}

// Greet asks the registry what credentials it wants while there is other work to
// do. With RememberPings Open need not wait for that; what goes wrong is told
// when it asks again.
func (c *Client) Greet(ctx context.Context, image string) {
	if _, remembers := c.Transport.(*pings); !remembers || c.Prefix == "" {
		return
	}
	if repository, err := c.Reference(image); err == nil {
		_, _ = transport.Ping(ctx, repository.Registry, c.transport())
	}
}

// Explain is Client.Explain for the repository's registry.
func (r *Repository) Explain(doing string, err error) error {
	return r.client.Explain(doing, r.Name.RegistryStr(), err)
}

// Tagged returns the image that a tag of an image's repository stands for, by its digest,
// and nil when there is none.
func (c *Client) Tagged(ctx context.Context, image, tag string) (*name.Digest, error) {
	repository, err := c.Reference(image)
	if err != nil {
		return nil, err
	}
	at, err := c.Open(ctx, repository, Pull)
	if err != nil {
		return nil, err
	}
	found, err := at.Look(ctx, tag)
	if err != nil || found == nil {
		return nil, err
	}
	digest := repository.Digest(found.Digest.String())
	return &digest, nil
}
