package secret

import (
	"context"
	"errors"
	"sync"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Remote reads values that a service keeps, such as Secret Manager. It is safe for
// concurrent use.
type Remote interface {
	// Read returns the value of the secret with a name, which is what follows the scheme of a
	// source. Its error names the secret, and does not contain the value.
	Read(ctx context.Context, name string) (Value, error)
}

// Resolver reads values from their sources. It reads each source only once, so that the
// value that was checked is the one that is used. It is safe for concurrent use.
type Resolver struct {
	// Dir is the directory that relative paths of files start from.
	Dir string
	// Lookup returns an environment variable, as os.LookupEnv does.
	Lookup func(string) (string, bool)
	// Remotes are the services that keep values, by the scheme of their sources.
	Remotes map[string]Remote

	mu    sync.Mutex
	cache map[Source]*cached
}

// cached is the value of a source, once it has been read, or the error of a service.
type cached struct {
	mu    sync.Mutex
	read  bool
	value Value
	err   error
}

// IsRemote reports whether a service keeps the value of s, so that reading it sends a
// request.
func (s Source) IsRemote() bool {
	known, err := schemeOf(s.Scheme)
	return err == nil && known.read == nil
}

// Resolve returns the value of s. It returns an error that names the source if an
// environment variable is unset or empty, or if a file cannot be read, is empty or larger
// than 1 MiB, and the error of the Remote, which it asks only once. It returns the error of
// ctx if that is done before.
func (r *Resolver) Resolve(ctx context.Context, s Source) (Value, error) {
	defer panics.At("the secret " + s.String())
	if err := ctx.Err(); err != nil {
		return Value{}, err
	}
	c := r.of(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read {
		return c.value, c.err
	}
	value, err := r.read(ctx, s)
	if err != nil && (!s.IsRemote() || ctx.Err() != nil) {
		return Value{}, err
	}
	c.value, c.err, c.read = value, err, true
	return value, err
}

// of returns what is kept of a source.
func (r *Resolver) of(s Source) *cached {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache == nil {
		r.cache = map[Source]*cached{}
	}
	if r.cache[s] == nil {
		r.cache[s] = &cached{}
	}
	return r.cache[s]
}

// read reads the value of a source.
func (r *Resolver) read(ctx context.Context, s Source) (Value, error) {
	known, err := schemeOf(s.Scheme)
	switch {
	case err != nil:
		return Value{}, err
	case known.read != nil:
		return known.read(r, ctx, s)
	case r.Remotes[s.Scheme] == nil:
		return Value{}, errors.New("there is no access to the service of " + s.String())
	}
	return r.Remotes[s.Scheme].Read(ctx, s.Name)
}
