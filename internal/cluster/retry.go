package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/slipway-ci/slipway/internal/clock"
)

const (
	// maxAttempts is the maximum number of attempts of a request.
	maxAttempts = 5
	// firstPause doubles after each attempt. All pauses together are 1.5 s.
	firstPause = 100 * time.Millisecond
	// maxRetrying bounds the time in which another attempt begins. An attempt may itself have
	// waited, as late as the server asked for.
	maxRetrying = 30 * time.Second
)

// retry repeats do after temporary errors. That is safe for all requests of slipway:
// reading, applying and deleting twice have the same result as once. When ctx is
// canceled, it returns the last error. Without a connection, that is an *UnreachableError.
func retry[T any](ctx context.Context, c *Cluster, do func() (T, error)) (T, error) {
	return retryAfter(ctx, c, isTemporary, do)
}

// retryAfter is retry for the errors that again reports.
func retryAfter[T any](ctx context.Context, c *Cluster, again func(error) bool, do func() (T, error)) (T, error) {
	pause := c.Pause
	if pause == nil {
		pause = clock.Sleep
	}
	begun := time.Now()
	for n := 0; ; n++ {
		given, err := do()
		if err == nil || n == maxAttempts-1 || time.Since(begun) > maxRetrying || !again(err) || pause(ctx, firstPause<<n) != nil {
			return given, c.Explain(err)
		}
	}
}

// isContended reports whether the write of a Secret failed temporarily, or because others wrote
// to the same object at that moment. A conflict with another field manager stays one.
func isContended(err error) bool {
	return isTemporary(err) || apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) && !OwnedByOthers(err)
}

// OwnedByOthers reports whether server-side apply was refused because other field managers own
// fields, which the error names.
func OwnedByOthers(err error) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict)
}

// isTemporary reports whether a retry of the request may succeed: the connection broke, or
// the server is overloaded or failed.
func isTemporary(err error) bool {
	var refused apierrors.APIStatus
	if errors.As(err, &refused) {
		code := refused.Status().Code
		return code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
	}
	return utilnet.IsProbableEOF(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		utilnet.IsConnectionReset(err) || utilnet.IsConnectionRefused(err) || utilnet.IsHTTP2ConnectionLost(err)
}
