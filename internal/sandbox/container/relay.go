package container

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// dialTimeout is how long a service may take to accept a connection.
const dialTimeout = 5 * time.Second

// relay forwards connections to a loopback port of its own network namespace, for as long
// as its process lives.
type relay struct {
	listener net.Listener
	port     int
}

func (r relay) serve() {
	for {
		client, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files: some will be closed
			time.Sleep(10 * time.Millisecond)
			continue
		}
		panics.Go(func() { r.pass(client) }, func(error) {}) // the client's connection has ended
	}
}

// pass forwards a connection. If nothing listens on the port it closes the connection.
func (r relay) pass(client net.Conn) {
	defer client.Close()
	server, err := dialLoopback(context.Background(), r.port)
	if err != nil {
		return
	}
	defer server.Close()
	var back panics.WaitGroup
	back.Go(func() { stream(client, server) })
	stream(server, client)
	back.Wait()
}

// dialLoopback connects to a port of the loopback interface, by IPv4 or IPv6.
func dialLoopback(ctx context.Context, port int) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		connection, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort("::1", strconv.Itoa(port)))
	}
	return connection, err
}

// stream copies one direction of a connection. The end of the input closes that direction
// only; an error closes both.
func stream(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		_ = from.Close()
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
