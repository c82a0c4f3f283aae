package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-ci/slipway/internal/silence"
)

// later is a transport that keeps for asked when a busy registry wants to be asked
// again. It is kept with the request, the only part of an answer that
// go-containerregistry's errors have beside its status.
type later struct{ next http.RoundTripper }

// pauseKey is where a request's context has the pause.
type pauseKey struct{}

// RoundTrip implements http.RoundTripper.
func (l later) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.next.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable {
		return response, err
	}
	response.Request = request.WithContext(context.WithValue(request.Context(), pauseKey{}, silence.RetryAfter(response.Header)))
	return response, nil
}

// tellWait says that a registry is waited for.
func (c *Client) tellWait(err error, wait time.Duration) {
	if c.Waiting != nil {
		c.Waiting(fmt.Sprintf("the registry %s is busy (%s), and is asked again in %s, as it wants", hostOf(err), answerOf(Status(err)), wait))
	}
}

// answerOf writes an HTTP status as people search for it: 429 Too Many Requests.
func answerOf(code int) string { return fmt.Sprintf("%d %s", code, http.StatusText(code)) }

// hostOf gives who refused a request.
func hostOf(err error) string {
	var refused *transport.Error
	if errors.As(err, &refused) && refused.Request != nil && refused.Request.URL != nil {
		return refused.Request.URL.Host
	}
	return "of the image"
}

// asked gives how long a registry asked to wait with the next attempt, 0 if it did
// not.
func asked(err error) time.Duration {
	var refused *transport.Error
	if !errors.As(err, &refused) || refused.Request == nil {
		return 0
	}
	pause, _ := refused.Request.Context().Value(pauseKey{}).(time.Duration)
	return pause
}
