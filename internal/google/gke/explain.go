package gke

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/google"
)

// explaining is a transport to a cluster. It turns what stands in front of the control plane
// into errors that say what to do: a firewall that swallows connections, and Google's front
// ends, which refuse by IAM.
type explaining struct {
	next        http.RoundTripper
	credentials *google.Credentials
	cluster     Reference
	endpoint    Endpoint
}

// maxRefusal is how much of a refusal is read to see whether it is Kubernetes'.
const maxRefusal = 64 << 10

// RoundTrip implements http.RoundTripper.
func (e *explaining) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := e.next.RoundTrip(request)
	dial := new(net.OpError)
	switch {
	case errors.As(err, &dial) && dial.Op == "dial" && request.Context().Err() == nil, errors.As(err, new(*tls.CertificateVerificationError)):
		return nil, &UnreachableError{e.cluster, e.endpoint, err}
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusForbidden || e.endpoint != DNS && e.endpoint != ConnectGateway:
		return response, nil
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // what arrived of it is enough
	if isStatus(body) {
		response.Body = &joined{io.MultiReader(bytes.NewReader(body), response.Body), response.Body}
		return response, nil
	}
	_ = response.Body.Close()
	permission := "container.clusters.connect"
	if e.endpoint == ConnectGateway {
		permission = "gkehub.gateway." + map[bool]string{true: "get", false: "post"}[request.Method == http.MethodGet]
	}
	return nil, e.credentials.Denied(response, body, permission, e.cluster.String())
}

// isStatus reports whether a refusal is Kubernetes' own.
func isStatus(body []byte) bool {
	var status metav1.Status
	return json.Unmarshal(body, &status) == nil && status.Kind == "Status"
}

// CloseIdleConnections closes the idle connections of the wrapped transport.
func (e *explaining) CloseIdleConnections() {
	if next, ok := e.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// joined is a body of which a part has been read.
type joined struct {
	io.Reader
	io.Closer
}

// UnreachableError reports that no connection to a cluster's control plane can be made, or that
// its certificate is not trusted.
type UnreachableError struct {
	Cluster  Reference
	Endpoint Endpoint
	Err      error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	advice := "check the network of this machine"
	switch {
	case errors.As(e.Err, new(*tls.CertificateVerificationError)):
		advice = "its certificate is refused, which an authority that this machine trusts must have signed: a proxy that inspects traffic may have a certificate of its own, so add its authority to this machine's, or its host to NO_PROXY"
		if e.Endpoint == Public || e.Endpoint == Private {
			advice = "its certificate is refused, which the authority that GKE names for it must have signed: a proxy that inspects traffic may have a certificate of its own, so add the cluster's address to NO_PROXY, or use its DNS-based endpoint"
		}
	case e.Endpoint == Public:
		advice = "its authorized networks may not have this machine's: add it to them, or use its DNS-based endpoint or the connect gateway"
	case e.Endpoint == Private:
		advice = "only its own network reaches it: use its DNS-based endpoint or the connect gateway, or run in that network"
	}
	return fmt.Sprintf("the %s endpoint of %s cannot be reached: %s (%s)", e.Endpoint, e.Cluster, advice, e.Err)
}

// Unwrap returns the error of the connection.
func (e *UnreachableError) Unwrap() error { return e.Err }
