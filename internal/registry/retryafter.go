package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// retryAfterTransport is a transport that stores how long a busy registry asks to wait, for
// retryAfterOf to find. It stores the pause in the request, because an error of
// go-containerregistry keeps nothing else of the response but its status.
type retryAfterTransport struct{ next http.RoundTripper }

// pauseKey is the key of the pause in the context of a request.
type pauseKey struct{}

// RoundTrip implements http.RoundTripper.
func (l retryAfterTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.next.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable {
		return response, err
	}
	response.Request = request.WithContext(context.WithValue(request.Context(), pauseKey{}, timeouts.RetryAfter(response.Header)))
	return response, nil
}

// reportWait reports that a request waits for a busy registry.
func (c *Client) reportWait(err error, wait time.Duration) {
	if c.OnWait != nil {
		c.OnWait(fmt.Sprintf("the registry %s is busy (%s); retrying in %s (Retry-After)", hostOf(err), statusText(Status(err)), wait))
	}
}

// statusText returns an HTTP status in searchable form, such as 429 Too Many Requests.
func statusText(code int) string { return fmt.Sprintf("%d %s", code, http.StatusText(code)) }

// hostOf returns the host that refused a request.
func hostOf(err error) string {
	var refused *transport.Error
	if errors.As(err, &refused) && refused.Request != nil && refused.Request.URL != nil {
		return refused.Request.URL.Host
	}
	return "of the image"
}

// retryAfterOf returns how long the registry asked to wait before the next attempt, or 0.
func retryAfterOf(err error) time.Duration {
	var refused *transport.Error
	if !errors.As(err, &refused) || refused.Request == nil {
		return 0
	}
	pause, _ := refused.Request.Context().Value(pauseKey{}).(time.Duration)
	return pause
}
