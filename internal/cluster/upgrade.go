package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	portforwardconstants "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/websocket"
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
	if _, limited := ctx.Deadline(); limited && errors.Is(err, os.ErrDeadlineExceeded) {
		<-ctx.Done() // the connection has the deadline of ctx, and may be told a moment earlier
	}
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return connection, err
}

// closer closes a connection when a context ends before release is called.
type closer struct{ release func() bool }

func (c *closer) watch(ctx context.Context, connection net.Conn) {
	c.release = context.AfterFunc(ctx, func() { _ = connection.Close() })
}

// upgradeToWebSocket tunnels SPDY over a WebSocket, as servers from Kubernetes 1.30 on accept
// it.
func upgradeToWebSocket(ctx context.Context, at *url.URL, config *rest.Config) (httpstream.Connection, error) {
	transport, holder, err := websocket.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	var closer closer
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { closer.watch(ctx, got.Conn) }})
	request, err := http.NewRequestWithContext(traced, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	socket, err := websocket.Negotiate(transport, holder, request, portforwardconstants.WebsocketsSPDYTunnelingPrefix+portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, err
	}
	if closer.release != nil && !closer.release() {
		return nil, ctx.Err()
	}
	return spdy.NewClientConnectionWithPings(portforward.NewTunnelingConnection("client", socket), portforward.PingPeriod)
}

// upgradeToSPDY opens a connection by SPDY/3.1.
func upgradeToSPDY(ctx context.Context, at *url.URL, config *rest.Config) (httpstream.Connection, error) {
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, err
	}
	dialer, err := spdy.NewRoundTripperWithConfig(spdy.RoundTripperConfig{TLS: tls, Proxier: config.Proxy})
	if err != nil {
		return nil, err
	}
	raw := &spdyTransport{dialer: dialer}
	transport, err := rest.HTTPWrappersForConfig(config, raw)
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
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, errors.Join(refusal(response), raw.connection.Close())
	}
	if !raw.closer.release() {
		return nil, ctx.Err()
	}
	return spdy.NewClientConnectionWithPings(raw.connection, portforward.PingPeriod)
}

// spdyTransport sends one request that asks for SPDY, and keeps its connection.
type spdyTransport struct {
	dialer     *spdy.SpdyRoundTripper
	connection net.Conn
	closer     closer
}

// RoundTrip implements http.RoundTripper.
func (s *spdyTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set(httpstream.HeaderConnection, httpstream.HeaderUpgrade)
	request.Header.Set(httpstream.HeaderUpgrade, spdy.HeaderSpdy31)
	connection, err := s.dialer.Dial(request)
	if err != nil {
		return nil, err
	}
	s.connection = connection
	s.closer.watch(request.Context(), connection)
	response, err := http.ReadResponse(bufio.NewReader(connection), request)
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return response, nil
}

// refusal returns the error of a response that is no upgrade: Kubernetes' own if it has one.
func refusal(response *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read why the server refuses SPDY (%s): %w", response.Status, err)
	}
	var status metav1.Status
	if json.Unmarshal(text, &status) == nil && status.Kind == "Status" {
		return &apierrors.StatusError{ErrStatus: status}
	}
	return fmt.Errorf("the server upgrades neither to WebSockets nor to SPDY (%s): %s", response.Status, bytes.TrimSpace(text))
}
