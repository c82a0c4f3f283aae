package cluster

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// TestUpgradesEnd has an API server that never answers a request to forward a port: neither the
// one for a WebSocket, nor the one for SPDY after it has refused the first. The connection must
// end with the context, and not outlive it.
func TestUpgradesEnd(t *testing.T) {
	for _, silent := range []string{"websocket", "SPDY/3.1"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		host := upgrading(t, silent, func(_ io.Writer, r *bufio.Reader) {
			cancel(errStopped)
			_, err := r.ReadByte() // until the other end closes it
			ended <- err
		})
		c, err := Connect(&rest.Config{Host: host}, "default", "silent")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.OpenTunnel(ctx, "train"); !errors.Is(err, errStopped) {
			t.Errorf("%s: %v", silent, err)
		}
		select {
		case err := <-ended:
			if !errors.Is(err, io.EOF) {
				t.Errorf("%s: the connection ends with %v", silent, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the connection outlives its context", silent)
		}
	}
}

// upgrading returns the address of an API server that refuses all requests but those for one kind of upgrade, which
// answer gets.
func upgrading(t *testing.T, upgrade string, answer func(io.Writer, *bufio.Reader)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				reader := bufio.NewReader(connection)
				request, err := http.ReadRequest(reader)
				switch {
				case err != nil:
				case request.Header.Get("Upgrade") != upgrade:
					_, _ = io.WriteString(connection, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				default:
					answer(connection, reader)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

var errStopped = errors.New("the user has stopped it")

// TestRouteEnds dials a route that has no pod when it ends, before and after its end.
func TestRouteEnds(t *testing.T) {
	r := &Route{service: &Service{cluster: &Cluster{}}, look: make(chan struct{}, 1), changed: make(chan struct{}), why: errors.New("no pod")}
	r.tunnels.lost = func() {}
	waiting := make(chan error, 1)
	go func() {
		_, err := r.Dial(t.Context())
		waiting <- err
	}()
	time.Sleep(10 * time.Millisecond) // usually it waits by now
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.Follow(ended, nil)
	begun := time.Now()
	if _, err := r.Dial(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("after its end: %v", err)
	}
	if err := <-waiting; !errors.Is(err, errClosed) || time.Since(begun) > dialTimeout/3 {
		t.Errorf("a connection that waited: %v after %s", err, time.Since(begun))
	}
}

// TestExecEnds has an API server that answers a request to run a command in no way that ends: not at all, with a
// refusal without end, or with a redirect, which nobody follows. Each is an error, with the context and without.
func TestExecEnds(t *testing.T) {
	was := limits
	limits.Response = 300 * time.Millisecond
	defer func() { limits = was }()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	silence := func(w io.Writer, r *bufio.Reader) { _, _ = r.ReadByte() }
	for name, test := range map[string]struct {
		upgrade string // what is not simply refused
		answer  func(w io.Writer, r *bufio.Reader)
		target  any
	}{
		"a silent WebSocket": {"websocket", silence, new(*timeouts.Error)},
		"a silent SPDY":      {"SPDY/3.1", silence, new(*timeouts.Error)},
		"an endless refusal": {"SPDY/3.1", func(w io.Writer, _ *bufio.Reader) {
			_, _ = io.WriteString(w, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n")
			for err := error(nil); err == nil; {
				_, err = io.CopyN(w, zeros{}, 1<<20)
			}
		}, nil},
		"a refusal that drips": {"SPDY/3.1", func(w io.Writer, _ *bufio.Reader) {
			_, err := io.WriteString(w, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n")
			for ; err == nil; time.Sleep(50 * time.Millisecond) {
				_, err = io.WriteString(w, "x")
			}
		}, new(*timeouts.Error)},
		"a redirect": {"SPDY/3.1", func(w io.Writer, _ *bufio.Reader) {
			_, _ = io.WriteString(w, "HTTP/1.1 307 Temporary Redirect\r\nLocation: "+other.URL+"\r\nContent-Length: 0\r\n\r\n")
		}, new(*RedirectError)},
	} {
		reached := make(chan struct{}, 10)
		host := upgrading(t, test.upgrade, func(w io.Writer, r *bufio.Reader) {
			reached <- struct{}{}
			test.answer(w, r)
		})
		c, err := Connect(&rest.Config{Host: host, BearerToken: "canary"}, "default", "hostile")
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		err = c.Exec(t.Context(), "pod", []string{"true"}, Streams{Out: io.Discard, Err: io.Discard})
		if err == nil || test.target != nil && !errors.As(err, test.target) || time.Since(begun) > 5*time.Second || len(err.Error()) > 500 {
			t.Errorf("%s: %.300v after %s", name, err, time.Since(begun))
		}
		<-reached
		if test.target == nil {
			continue
		}
		limits.Response = time.Hour
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { <-reached; cancel(errStopped) }()
		begun = time.Now()
		if err := c.Exec(ctx, "pod", []string{"true"}, Streams{Out: io.Discard}); err == nil || time.Since(begun) > 5*time.Second {
			t.Errorf("%s, stopped: %v after %s", name, err, time.Since(begun))
		}
		limits.Response = 300 * time.Millisecond
		cancel(nil)
	}
	if elsewhere.Load() > 0 {
		t.Errorf("another host was asked %d times", elsewhere.Load())
	}
}
