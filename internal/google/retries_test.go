package google_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// TestRetries fails a service for a while. Temporary failures are tried again, as late as the
// service asks, and within bounds.
func TestRetries(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		fault  googletest.Fault
		pauses []time.Duration
		ok     bool
	}{
		{"busy", googletest.Fault{Service: "container", Code: 429, RetryAfter: "7", Times: 2}, []time.Duration{7 * time.Second, 7 * time.Second}, true},
		{"down", googletest.Fault{Service: "container", Code: 503, Times: 3}, []time.Duration{250 * ms, 500 * ms, time.Second}, true},
		{"down for long", googletest.Fault{Service: "container", Code: 503}, []time.Duration{250 * ms, 500 * ms, time.Second}, false},
		{"asks for too much", googletest.Fault{Service: "container", Code: 429, RetryAfter: "3600"}, nil, false},
		{"asks for much in all", googletest.Fault{Service: "container", Code: 503, RetryAfter: "25"}, []time.Duration{25 * time.Second, 25 * time.Second}, false},
		{"wrong request", googletest.Fault{Service: "container", Code: 400, Times: 1}, nil, false},
		{"refused once", googletest.Fault{Service: "container", Code: 401, Times: 1}, nil, true},
		{"token endpoint", googletest.Fault{Service: "oauth2", Code: 500, Times: 2}, []time.Duration{250 * ms, 500 * ms}, true},
		{"token endpoint busy", googletest.Fault{Service: "oauth2", Code: 429, RetryAfter: "3", Times: 1}, []time.Duration{3 * time.Second}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := googletest.New(t)
			o, _ := withKey(s)
			var pauses []time.Duration
			o.Pause = func(_ context.Context, d time.Duration) error {
				pauses = append(pauses, d)
				return nil
			}
			s.Fail(c.fault)
			err := clusters(t.Context(), find(t, o), s)
			if (err == nil) != c.ok || !slices.Equal(pauses, c.pauses) {
				t.Errorf("paused %s, want %s: %v", pauses, c.pauses, err)
			}
		})
	}
}

// TestBrokenConnection tries again when connections break, and ends with the context.
func TestBrokenConnection(t *testing.T) {
	s := googletest.New(t)
	o, _ := withKey(s)
	left, carry := 2, o.Transport
	o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/container/") && left > 0 {
			left--
			return nil, errors.New("connection reset by peer")
		}
		return carry.RoundTrip(r)
	})
	found := find(t, o)
	if err := clusters(t.Context(), found, s); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.Pause = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	left = 1
	if err := clusters(ctx, find(t, o), s); !errors.Is(err, context.Canceled) {
		t.Errorf("with a canceled context: %v", err)
	}
	o.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("no route to host")
	})
	o.Pause = atOnce
	_, err := find(t, o).Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no access token for service account deployer@") || !strings.Contains(err.Error(), "no route to host") {
		t.Errorf("without a network: %v", err)
	}
	if refused := new(google.APIError); errors.As(err, &refused) {
		t.Errorf("a broken connection is taken for a refusal: %v", err)
	}
}

// TestUnreachableService names the service that no connection can be made to, for a token and for a
// request, and what to do.
func TestUnreachableService(t *testing.T) {
	for host, service := range map[string]string{"oauth2.googleapis.com": "/oauth2/", "container.googleapis.com": "/container/"} {
		s := googletest.New(t)
		o, _ := withKey(s)
		carry := s.World(nil)
		o.Endpoints, o.Pause = google.Public(), atOnce
		o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == host {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
			}
			return carry.RoundTrip(r)
		})
		err := clusters(t.Context(), find(t, o), s)
		lost := new(google.UnreachableError)
		if !errors.As(err, &lost) || lost.Host != host || !strings.Contains(err.Error(), host+" cannot be reached: check the network of this machine") {
			t.Errorf("without %s: %v", service, err)
		}
	}
}
