package google

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

const (
	// attempts is how often a request is sent if it fails with temporary errors.
	attempts = 4
	// firstPause is doubled after each attempt.
	firstPause = 250 * time.Millisecond
	// maxWait bounds how long one request waits in all because a service asks for it.
	maxWait = time.Minute
)

// retries decides whether a request is sent again. All requests to Google only read or make
// a token, so that sending one twice does no harm.
type retries struct {
	failed int
	waited time.Duration
}

// next returns how long to wait before the next attempt. It reports false if there should be
// none.
func (r *retries) next(err error) (time.Duration, bool) {
	r.failed++
	wait := firstPause << (r.failed - 1)
	refused := new(APIError)
	switch {
	case r.failed >= attempts || !temporary(err):
		return 0, false
	case errors.As(err, &refused) && refused.Wait > 0:
		wait = refused.Wait
	}
	if r.waited += wait; r.waited > maxWait {
		return 0, false
	}
	return wait, true
}

// temporary reports whether the same request may succeed later.
func temporary(err error) bool {
	refused := new(APIError)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &refused):
		return refused.Code == http.StatusTooManyRequests || refused.Code == http.StatusRequestTimeout || refused.Code >= http.StatusInternalServerError
	}
	return timeouts.Broken(err)
}
