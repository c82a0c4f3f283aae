package cluster

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"

	"github.com/slipway-ci/slipway/internal/source"
)

// spdyTransport sends one request that asks for SPDY, and keeps its connection. It replaces the
// transport of client-go, which waits for a silent server after its context is canceled, and reads
// refusals of any length. Redirects are not followed.
type spdyTransport struct {
	dialer     *spdy.SpdyRoundTripper
	connection net.Conn
	// failed is why there is no connection. An executor of client-go keeps only its text.
	failed error
}

// newSPDYTransport returns a transport that adds the credentials of config to the request of raw.
func newSPDYTransport(config *rest.Config) (transport http.RoundTripper, raw *spdyTransport, err error) {
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, nil, err
	}
	dialer, err := spdy.NewRoundTripperWithConfig(spdy.RoundTripperConfig{TLS: tls, Proxier: config.Proxy})
	if err != nil {
		return nil, nil, err
	}
	raw = &spdyTransport{dialer: dialer}
	transport, err = rest.HTTPWrappersForConfig(config, raw)
	return transport, raw, err
}

// maxRefusal is how much of a refusal is read, in bytes.
const maxRefusal = 64 << 10

// RoundTrip implements http.RoundTripper. The response has come completely, or is an upgrade.
func (s *spdyTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := s.roundTrip(request)
	s.failed = err
	return response, err
}

func (s *spdyTransport) roundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := beginning(request)
	defer cancel()
	request = request.Clone(ctx)
	request.Header.Set(httpstream.HeaderConnection, httpstream.HeaderUpgrade)
	request.Header.Set(httpstream.HeaderUpgrade, spdy.HeaderSpdy31)
	connection, err := s.dialer.Dial(request)
	if err != nil {
		return nil, begun(ctx, err)
	}
	release := closeAfter(ctx, connection)
	response, err := answerTo(request, connection)
	if !release() || err != nil {
		_ = connection.Close()
		return nil, begun(ctx, err)
	}
	s.connection = connection
	return response, nil
}

// answerTo reads the answer to a request: of an upgrade only the header. The error may be a
// *RedirectError.
func answerTo(request *http.Request, connection io.Reader) (*http.Response, error) {
	response, err := http.ReadResponse(bufio.NewReader(connection), request)
	if err != nil || response.StatusCode == http.StatusSwitchingProtocols {
		return response, err
	}
	if to, err := response.Location(); err == nil && response.StatusCode/100 == 3 {
		return nil, &RedirectError{request.URL.Host, hostOf(to)}
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	if err != nil {
		return nil, fmt.Errorf("read why the server refuses SPDY (%s): %w", response.Status, err)
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	return response, nil
}

// NewConnection implements k8s.io/client-go/transport/spdy.Upgrader.
func (s *spdyTransport) NewConnection(response *http.Response) (httpstream.Connection, error) {
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, errors.Join(refusal(response), s.connection.Close())
	}
	return spdy.NewClientConnectionWithPings(s.connection, portforward.PingPeriod)
}

// refusal returns the error of a response that is no upgrade: Kubernetes' own if it has one.
func refusal(response *http.Response) error {
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var status metav1.Status
	if json.Unmarshal(text, &status) == nil && status.Kind == "Status" {
		return &apierrors.StatusError{ErrStatus: status}
	}
	return fmt.Errorf("the server upgrades neither to WebSockets nor to SPDY (%s): %s", response.Status, source.Shorten(string(bytes.TrimSpace(text))))
}
