// Package clock waits, for as long as the context lets it. Whatever waits takes a
// function of the form of Wait as an option, so that tests need not.
package clock

import (
	"context"
	"time"
)

// Wait waits for d, or until ctx ends, whose error it then gives: nil means that d
// has passed. It does not wait when d is zero or less.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
