package doctor

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// advice says what to do about a server that cannot be reached, or that fails. key is the
// key of slipway.yaml that names it. It returns "" for an error that says so itself.
func advice(err error, key string) string {
	var (
		lookup      *net.DNSError
		certificate *tls.CertificateVerificationError
		network     *net.OpError
		request     *url.Error
		contact     *polyaxon.ContactError
	)
	switch code := statusOf(err); {
	case errors.As(err, new(*google.UnreachableError)):
		return ""
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "correct " + key + " in slipway.yaml, or connect to the network or VPN whose DNS knows the name"
	case errors.As(err, &certificate):
		return "add the certificate of its authority to the system's, or set SSL_CERT_FILE; a proxy that inspects traffic has one of its own"
	case code >= http.StatusInternalServerError:
		return "the server fails, not this machine: see its log, and try again later"
	case code == http.StatusTooManyRequests:
		return "the server limits the rate of requests: try again later"
	case code == 0 && (errors.As(err, &network) || errors.As(err, &request) || errors.As(err, &contact)):
		return "check that it runs and that " + key + " in slipway.yaml is its address; a firewall, a missing VPN or a proxy (HTTPS_PROXY) may be in between"
	}
	return ""
}

// statusOf returns the HTTP status of a server's refusal, or 0 for another error.
func statusOf(err error) int {
	var (
		registry   *transport.Error
		server     *polyaxon.Error
		kubernetes apierrors.APIStatus
	)
	switch {
	case errors.As(err, &registry):
		return registry.StatusCode
	case errors.As(err, &server):
		return server.StatusCode
	case errors.As(err, &kubernetes):
		return int(kubernetes.Status().Code)
	}
	return 0
}
