package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/slipway-ci/slipway/internal/google/gke"
)

// UnreachableError reports that no connection to an API server can be made. It is the same text for
// each request, so that a command can say it once.
type UnreachableError struct {
	// Cluster is the name of the cluster, and Server its address.
	Cluster, Server string
	Err             error
}

// Error implements error. It says what to do.
func (e *UnreachableError) Error() string {
	text := e.Reason()
	if advice := e.Advice(); advice != "" {
		text += " (" + advice + ")"
	}
	return text
}

// Reason is Error without what to do.
func (e *UnreachableError) Reason() string {
	return fmt.Sprintf("cluster %s at %s is not reachable: %v", e.Cluster, e.Server, e.Err)
}

// Advice says what to do. It is "" for a cluster of GKE, whose reason says so itself.
func (e *UnreachableError) Advice() string {
	var lookup *net.DNSError
	switch {
	case errors.As(e.Err, new(*gke.UnreachableError)):
		return ""
	case errors.As(e.Err, &lookup) && lookup.IsNotFound:
		return "correct the server of the kubeconfig, or connect to the network or VPN whose DNS knows the name"
	case errors.As(e.Err, new(*tls.CertificateVerificationError)):
		return "the authority in the kubeconfig must have signed its certificate: get the kubeconfig of this cluster anew; a proxy that inspects traffic has a certificate of its own"
	case errors.As(e.Err, new(tls.RecordHeaderError)):
		return "the server of the kubeconfig is no API server, or a proxy answers in its place"
	}
	return "check that it runs and that the server of the kubeconfig is its address; a firewall, a missing VPN or a proxy (HTTPS_PROXY) may be in between"
}

// Unwrap returns the error of the connection.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Cause returns the text of err, or that of the *UnreachableError in it.
func Cause(err error) string { return bare(err).Error() }

// contact is a transport that returns an *UnreachableError if no connection is made.
type contact struct {
	next          http.RoundTripper
	cluster, host string
}

// RoundTrip implements http.RoundTripper.
func (c contact) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(request)
	var connection *net.OpError
	dialled := errors.As(err, &connection) && connection.Op == "dial" && request.Context().Err() == nil
	if dialled || errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(tls.RecordHeaderError)) {
		return nil, &UnreachableError{Cluster: c.cluster, Server: c.host, Err: err}
	}
	return response, err
}

// WrappedRoundTripper returns the transport below, as client-go looks for it.
func (c contact) WrappedRoundTripper() http.RoundTripper { return c.next }

// bare returns the *UnreachableError in err, which then names the server once, or else err.
func bare(err error) error {
	if unreachable := new(UnreachableError); errors.As(err, &unreachable) {
		return unreachable
	}
	return err
}
