package image

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is where images go.
type Registry struct {
	// Prefix is what stands before an image's name: asia.gcr.io/acme-ml/team-a.
	Prefix string
	// Options are credentials and transport, for the bases' registries too.
	Options []remote.Option
	// NameOptions allow plain HTTP, for the registry of Prefix only.
	NameOptions []name.Option
	// Pause waits between attempts; by the clock when nil.
	Pause func(context.Context, time.Duration) error
}

// options are those of a request. go-containerregistry's own retries do not heed
// the context: this package repeats requests itself.
func (r *Registry) options(ctx context.Context, more ...remote.Option) []remote.Option {
	options := append([]remote.Option{}, r.Options...)
	options = append(options, remote.WithContext(ctx), remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes())
	return append(options, more...)
}

// Reference gives where an image of this name goes.
func (r *Registry) Reference(image string) (name.Repository, error) {
	if scheme, _, found := strings.Cut(r.Prefix, "://"); found {
		return name.Repository{}, fmt.Errorf("the registry %s is named with %s://; name it as in gcr.io/project", r.Prefix, scheme)
	}
	repository, err := name.NewRepository(strings.TrimSuffix(r.Prefix, "/")+"/"+image, r.NameOptions...)
	if err != nil {
		return name.Repository{}, fmt.Errorf("the registry %q and the image's name %q make no reference: %w", r.Prefix, image, err)
	}
	return repository, nil
}

// parse reads a reference. That plain HTTP will do for the registry of Prefix
// says nothing of others.
func (r *Registry) parse(text string) (name.Reference, error) {
	reference, err := name.ParseReference(text)
	if err != nil {
		return nil, err
	}
	if own, err := r.Reference("any"); err == nil && own.RegistryStr() == reference.Context().RegistryStr() {
		return name.ParseReference(text, r.NameOptions...)
	}
	return reference, nil
}

// Has tells whether the registry has the image, under whatever tags.
func (r *Registry) Has(ctx context.Context, i *Image) (bool, error) {
	repository, err := r.Reference(i.Name)
	if err != nil {
		return false, err
	}
	puller, err := remote.NewPuller(r.options(ctx)...)
	if err != nil {
		return false, fmt.Errorf("ask for %s: %w", repository, err)
	}
	return r.pointsTo(ctx, puller, repository.Digest(i.Digest.String()), i.Digest)
}

// pointsTo tells whether a tag or digest is there and stands for digest.
func (r *Registry) pointsTo(ctx context.Context, puller *remote.Puller, reference name.Reference, digest v1.Hash) (bool, error) {
	found := false
	err := r.retry(ctx, func() error {
		descriptor, err := puller.Head(ctx, reference)
		found = err == nil && descriptor.Digest == digest
		if status(err) == http.StatusNotFound {
			return nil
		}
		return err
	})
	return found, r.explain("ask for "+reference.String(), reference.Context().RegistryStr(), err)
}
