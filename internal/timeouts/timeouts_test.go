package timeouts

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// slow starts a server whose behavior depends on the path of a request, and returns its
// address and a client with short limits.
func slow(t *testing.T) (address string, client *http.Client) {
	t.Helper()
	over := make(chan struct{})
	part := strings.Repeat("x", 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		send := func() {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
		switch r.URL.Path {
		case "/silent":
			<-over
		case "/unread": // the server does not read the body
			_, _ = io.CopyN(io.Discard, r.Body, 10)
			<-over
		case "/half", "/watch":
			send()
			if r.URL.Path == "/watch" {
				time.Sleep(300 * time.Millisecond)
				send()
				return
			}
			<-over
		case "/trickle":
			for range 100 {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-over:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		case "/steady":
			for range 20 {
				send()
				time.Sleep(20 * time.Millisecond)
			}
		case "/read":
			_, _ = io.Copy(w, r.Body)
		}
	}))
	t.Cleanup(func() { close(over); server.Close() })
	limits := Limits{Response: 200 * time.Millisecond, Chunk: 150 * time.Millisecond, Pace: 1000, Endless: func(r *http.Request) bool { return r.URL.Path == "/watch" }}
	return server.URL, &http.Client{Transport: Transport(&http.Transport{}, limits)}
}

// endlessBody is a body without an end.
type endlessBody struct{}

func (endlessBody) Read(p []byte) (int, error) { return len(p), nil }

// slowBody is a body that takes longer than the limits to produce each part.
type slowBody struct{ parts int }

func (s *slowBody) Read(p []byte) (int, error) {
	if s.parts--; s.parts < 0 {
		return 0, io.EOF
	}
	time.Sleep(180 * time.Millisecond)
	return copy(p, "part"), nil
}

func TestTransport(t *testing.T) {
	address, client := slow(t)
	for path, body := range map[string]io.Reader{"/silent": nil, "/unread": endlessBody{}, "/half": nil, "/trickle": nil} {
		t.Run("ends"+path, func(t *testing.T) {
			t.Parallel()
			response, err := client.Post(address+path, "", body)
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			var silent *Error
			if !errors.As(err, &silent) || !strings.Contains(silent.Error(), "did not respond within") || silent.Host == "" {
				t.Errorf("%v", err)
			}
		})
	}
	for path, body := range map[string]io.Reader{"/steady": nil, "/watch": nil, "/read": &slowBody{3}} {
		t.Run("goes on"+path, func(t *testing.T) {
			t.Parallel()
			response, err := client.Post(address+path, "", body)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Error(err)
			}
		})
	}
}

// transportFunc is a transport that does what the function does.
type transportFunc func() error

// RoundTrip implements http.RoundTripper.
func (s transportFunc) RoundTrip(*http.Request) (*http.Response, error) { return nil, s() }

// TestTransportThatIgnoresCancellation uses a transport that ignores its context, as one does
// that runs the credential program of a kubeconfig, and a transport that panics.
func TestTransportThatIgnoresCancellation(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	defer close(over)
	client := &http.Client{Transport: Transport(transportFunc(func() error { <-over; return io.EOF }), Limits{Response: 10 * time.Millisecond})}
	var silent *Error
	if _, err := client.Get("http://a.invalid"); !errors.As(err, &silent) {
		t.Errorf("%v", err)
	}
	client.Transport = panics.Transport(Transport(transportFunc(func() error { panic("provoked") }), Limits{Response: time.Minute}))
	var fault *panics.Error
	if _, err := client.Get("http://a.invalid"); !errors.As(err, &fault) {
		t.Errorf("%v", err)
	}
}

// panickingBody is a body that panics after its first part.
type panickingBody struct{ read bool }

func (s *panickingBody) Read(p []byte) (int, error) {
	if s.read {
		panic("provoked")
	}
	s.read = true
	return copy(p, "part"), nil
}

// TestPanicInBody has a body panic while the transport reads it in another goroutine.
// The caller that sends it gets the panic.
func TestPanicInBody(t *testing.T) {
	t.Parallel()
	address, client := slow(t)
	for _, path := range []string{"/read", "/silent"} {
		err := panics.Catch("", func() error {
			response, err := client.Post(address+path, "", &panickingBody{})
			if err == nil {
				_ = response.Body.Close()
			}
			return err
		})
		if fault := new(panics.Error); !errors.As(err, &fault) || fault.Value != "provoked" || !strings.Contains(fault.Stack, "TestPanicInBody") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
