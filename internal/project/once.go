package project

import (
	"context"
	"sync"
)

// once keeps the result of the first call of a function. A call whose context ended before
// it was done does not count.
type once[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
	err   error
}

// get returns the result of find, which it calls if there is none yet.
func (o *once[T]) get(ctx context.Context, find func(context.Context) (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		value, err := find(ctx)
		if err != nil && ctx.Err() != nil {
			return value, err
		}
		o.value, o.err, o.done = value, err, true
	}
	return o.value, o.err
}
