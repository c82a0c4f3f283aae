package cluster

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// TestUpgradesEnd has an API server that never answers a request to forward a port: neither the
// one for a WebSocket, nor the one for SPDY after it has refused the first. The connection must
// end with the context, and not outlive it.
func TestUpgradesEnd(t *testing.T) {
	for _, silent := range []string{"websocket", "SPDY/3.1"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				reader := bufio.NewReader(connection)
				request, err := http.ReadRequest(reader)
				if err == nil && request.Header.Get("Upgrade") != silent {
					_, _ = io.WriteString(connection, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
					_ = connection.Close()
					continue
				}
				cancel(errStopped)
				_, err = reader.ReadByte() // until the other end closes it
				ended <- err
			}
		}()
		c, err := Connect(&rest.Config{Host: "http://" + listener.Addr().String()}, "default", "silent")
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
