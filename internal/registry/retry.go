package registry

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

const (
	// attempts is how often a request is sent if it fails with temporary errors.
	attempts = 5
	// firstPause is doubled after each attempt, to 3 s in total.
	firstPause = 200 * time.Millisecond
	// maxWait limits the total time that one request waits because the registry asks for
	// it.
	maxWait = 10 * time.Minute
)

// retry calls do until it succeeds or fails with a permanent error. It returns early when
// ctx is done. If the registry says when to retry, the wait does not count as an attempt,
// because the registry is busy and not broken.
func (c *Client) retry(ctx context.Context, do func() error) error {
	pause := c.Pause
	if pause == nil {
		pause = clock.Sleep
	}
	var waited time.Duration
	for n := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := do()
		wait := retryAfterOf(err)
		switch {
		case err == nil || ctx.Err() != nil || !isTemporary(err):
			return err
		case wait > 0 && waited+wait > maxWait:
			return err
		case wait > 0:
			waited += wait
			c.reportWait(err, wait)
		case n == attempts-1:
			return err
		default:
			wait = firstPause << n
			n++
		}
		if stop := pause(ctx, wait); stop != nil {
			return cmp.Or(ctx.Err(), err)
		}
	}
}

// isTemporary reports whether an error is temporary, so that the same request may succeed
// later.
func isTemporary(err error) bool {
	switch code := Status(err); {
	case errors.As(err, new(*lostUploadError)):
		return true
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusRequestedRangeNotSatisfiable, code >= 500:
		return true
	case code != 0: // an upload that the registry has lost, or that arrived damaged
		return hasErrorCode(err, transport.BlobUploadUnknownErrorCode, transport.BlobUploadInvalidErrorCode, transport.DigestInvalidErrorCode, transport.SizeInvalidErrorCode)
	}
	var (
		address *AddressError
		file    *fs.PathError
		making  *ContentError
		digest  *digestError
	)
	switch {
	case errors.As(err, &address), errors.As(err, &file), errors.As(err, &making):
		return false
	case errors.As(err, &digest):
		return true
	}
	return timeouts.Broken(err)
}
