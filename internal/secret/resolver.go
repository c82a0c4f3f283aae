package secret

import (
	"context"
	"sync"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Resolver reads values from their sources. It reads each source only once, so that the
// value that was checked is the one that is used. It is safe for concurrent use.
type Resolver struct {
	// Dir is the directory that relative paths of files start from.
	Dir string
	// Lookup returns an environment variable, as os.LookupEnv does.
	Lookup func(string) (string, bool)

	mu    sync.Mutex
	cache map[Source]Value
}

// Resolve returns the value of s. It returns an error that names the source if an
// environment variable is unset or empty, if a file cannot be read, is empty or larger
// than 1 MiB, and for Secret Manager, which is not built yet. It returns the error of ctx
// if that is done before.
func (r *Resolver) Resolve(ctx context.Context, s Source) (Value, error) {
	defer panics.At("the secret " + s.String())
	if err := ctx.Err(); err != nil {
		return Value{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if value, have := r.cache[s]; have {
		return value, nil
	}
	known, err := schemeOf(s.Scheme)
	if err != nil {
		return Value{}, err
	}
	value, err := known.read(r, ctx, s)
	if err != nil {
		return Value{}, err
	}
	if r.cache == nil {
		r.cache = map[Source]Value{}
	}
	r.cache[s] = value
	return value, nil
}
