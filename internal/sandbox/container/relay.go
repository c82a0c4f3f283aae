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

// dialing is how long a service may take to accept a connection.
const dialing = 5 * time.Second

// relay passes connections on to a port of the loopback network that it is in, for as
// long as its process lives.
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

// pass connects a client. A port on which nothing listens ends the connection.
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

// dialLoopback connects with a port of loopback, of either family.
func dialLoopback(ctx context.Context, port int) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialing}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		connection, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort("::1", strconv.Itoa(port)))
	}
	return connection, err
}

// stream copies one direction. Its end is passed on as an end of that direction
// alone; an error ends both.
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
