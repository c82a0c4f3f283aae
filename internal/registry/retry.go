package registry

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// retry calls do until it succeeds or fails with a permanent error. It returns early when
// ctx is done. It waits as timeouts.Backoff says.
func (c *Client) retry(ctx context.Context, do func() error) error {
	pause := c.Pause
	if pause == nil {
		pause = clock.Sleep
	}
	var backoff timeouts.Backoff
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := do()
		if err == nil || ctx.Err() != nil || !isTemporary(err) {
			return err
		}
		asked := retryAfterOf(err)
		wait, again := backoff.Next(asked)
		if !again {
			return err
		}
		if asked > 0 {
			c.reportWait(err, wait)
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
		long    *BlobSizeError
		endless *ListError
	)
	switch {
	case errors.As(err, &address), errors.As(err, &file), errors.As(err, &making), errors.As(err, &long), errors.As(err, &endless):
		return false
	case errors.As(err, &digest):
		return true
	}
	return timeouts.Broken(err)
}
