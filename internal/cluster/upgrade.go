package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	portforwardconstants "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/websocket"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// upgrade opens a connection of streams at a URL of the API server, by WebSockets, or by SPDY
// if the server or a proxy refuses those. It does what the dialers of client-go do. Those take no
// context, and would wait for a silent server after ctx is canceled.
func upgrade(ctx context.Context, at *url.URL, config *rest.Config) (httpstream.Connection, error) {
	connection, err := upgradeToWebSocket(ctx, at, config)
	if httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) {
		refused := err
		connection, err = upgradeToSPDY(ctx, at, config)
		if err != nil && !errors.As(err, new(apierrors.APIStatus)) {
			err = fmt.Errorf("%w (by WebSockets: %w)", err, refused)
		}
	}
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return connection, err
}

// upgradeToWebSocket tunnels SPDY over a WebSocket, as servers from Kubernetes 1.30 on accept
// it.
func upgradeToWebSocket(ctx context.Context, at *url.URL, config *rest.Config) (httpstream.Connection, error) {
	transport, holder, err := websocket.RoundTripperFor(forWebSockets(config))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	socket, err := websocket.Negotiate(transport, holder, request, portforwardconstants.WebsocketsSPDYTunnelingPrefix+portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, err
	}
	return spdy.NewClientConnectionWithPings(portforward.NewTunnelingConnection("client", socket), portforward.PingPeriod)
}

// forWebSockets returns a configuration for the transports of client-go for WebSockets, which wait
// for a silent server otherwise.
func forWebSockets(config *rest.Config) *rest.Config {
	own := rest.CopyConfig(config)
	own.Wrap(func(next http.RoundTripper) http.RoundTripper { return handshake{next} })
	return own
}

// handshake is a transport that opens connections of streams. Its requests end with their contexts,
// and have a timeout. The connections do not.
type handshake struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (h handshake) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := beginning(request)
	defer cancel()
	release := func() bool { return true }
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { release = closeAfter(ctx, got.Conn) }})
	response, err := h.next.RoundTrip(request.WithContext(traced))
	if !release() || err != nil {
		return nil, begun(ctx, err)
	}
	return response, nil
}

// beginning returns a context for a request that begins a connection of streams, and for its answer.
func beginning(request *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(request.Context(), limits.Response, &timeouts.Error{Host: request.URL.Host, Limit: limits.Response})
}

// closeAfter closes a connection when a context ends, unless release is called before. release
// reports false if that was too late.
func closeAfter(ctx context.Context, connection net.Conn) (release func() bool) {
	return context.AfterFunc(ctx, func() { _ = connection.Close() })
}

// begun returns why a request failed: that its context ended, or err.
func begun(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		<-ctx.Done() // the connection has the deadline of ctx, and may be told a moment earlier
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// upgradeToSPDY opens a connection by SPDY/3.1.
func upgradeToSPDY(ctx context.Context, at *url.URL, config *rest.Config) (httpstream.Connection, error) {
	transport, raw, err := newSPDYTransport(config)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set(httpstream.HeaderProtocolVersion, portforward.PortForwardProtocolV1Name)
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	return raw.NewConnection(response)
}
