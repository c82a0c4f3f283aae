package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/google/gke"
)

// UnreachableError reports that no connection to an API server can be made, or that the program
// which gets the credentials for it failed. It is the same text for each request, so that a command
// can say it once.
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
	cause := e.Err
	if request := new(url.Error); errors.As(cause, &request) {
		cause = request.Err
	}
	return fmt.Sprintf("cluster %s at %s is not reachable: %v", e.Cluster, e.Server, cause)
}

// Advice says what to do. It is "" for a cluster of GKE, whose reason says so itself.
func (e *UnreachableError) Advice() string {
	var lookup *net.DNSError
	switch {
	case errors.As(e.Err, new(*gke.UnreachableError)):
		return ""
	case ofPlugin(e.Err):
		return "run the program that users.exec of the kubeconfig names, to see why, and log in again; a cluster of GKE needs none with cluster.gke in slipway.yaml"
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
func Cause(err error) string {
	if unreachable := new(UnreachableError); errors.As(err, &unreachable) {
		return unreachable.Error()
	}
	return err.Error()
}

// ofPlugin reports whether a program of a kubeconfig that gets credentials failed, or is not there.
// Package client-go has no type for this error.
func ofPlugin(err error) bool {
	return err != nil && strings.Contains(err.Error(), "getting credentials: exec: ")
}

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

// Explain returns the *UnreachableError in err, which then names the server once, or makes one if a
// program of the kubeconfig failed: client-go runs it before any transport. It returns other errors.
func (c *Cluster) Explain(err error) error {
	if unreachable := new(UnreachableError); errors.As(err, &unreachable) {
		return unreachable
	}
	if ofPlugin(err) {
		return &UnreachableError{Cluster: c.Name, Server: c.config.Host, Err: err}
	}
	return err
}
