// Package clock waits until a time has passed or a context has ended. Code that waits
// takes a function with the signature of Sleep as an option, so that tests need not wait.
package clock

import (
	"context"
	"time"
)

// Sleep waits until d has passed and returns nil, or until ctx is done and returns its
// error. It does not wait when d is zero or negative.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
