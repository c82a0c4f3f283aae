package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/slipway-ci/slipway/internal/clock"
)

const (
	// attempts is how often a request that failed in passing is sent.
	attempts = 5
	// firstPause is doubled after each attempt: 1.5 s in all.
	firstPause = 100 * time.Millisecond
)

// retry repeats what fails in passing. That is safe for all that slipway asks of a
// cluster: to read, to apply and to delete come to the same when done twice.
// Cancelling ctx ends it, with the last error.
func retry[T any](ctx context.Context, c *Cluster, do func() (T, error)) (T, error) {
	pause := c.Pause
	if pause == nil {
		pause = clock.Wait
	}
	for n := 0; ; n++ {
		given, err := do()
		if err == nil || n == attempts-1 || !passing(err) {
			return given, err
		}
		if pause(ctx, firstPause<<n) != nil {
			return given, err
		}
	}
}

// passing tells whether the same request may succeed when it is sent again: the
// connection broke, or the server is busy or failed.
func passing(err error) bool {
	var refused apierrors.APIStatus
	if errors.As(err, &refused) {
		code := refused.Status().Code
		return code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
	}
	return utilnet.IsProbableEOF(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		utilnet.IsConnectionReset(err) || utilnet.IsConnectionRefused(err) || utilnet.IsHTTP2ConnectionLost(err)
}
