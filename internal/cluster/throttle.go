package cluster

import (
	"net/http"
	"strconv"
	"time"
)

// longestThrottle bounds one pause that an API server asks for by Retry-After. client-go sends a
// request again up to ten times, each time as late as it is told.
const longestThrottle = 10 * time.Second

// throttle is a transport that shortens what a server asks for by Retry-After. Without a bound, a
// server or a proxy could make a command wait for days.
type throttle struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t throttle) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	const name = "Retry-After"
	if seconds, err := strconv.Atoi(response.Header.Get(name)); err == nil && seconds > int(longestThrottle.Seconds()) {
		response.Header.Set(name, strconv.Itoa(int(longestThrottle.Seconds())))
	}
	return response, nil
}

// WrappedRoundTripper returns the transport below, as client-go looks for it.
func (t throttle) WrappedRoundTripper() http.RoundTripper { return t.next }
