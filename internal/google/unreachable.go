package google

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// UnreachableError reports that no connection to a service of Google can be made, or that its
// certificate is not trusted.
type UnreachableError struct {
	// Host is the host of the service, with its port if that is in its address.
	Host string
	Err  error
}

// Error implements error. It says what to do.
func (e *UnreachableError) Error() string {
	advice := "check the network of this machine, its DNS, and HTTPS_PROXY if there is a proxy; where Google has other addresses, set the variables of docs/google.md"
	if errors.As(e.Err, new(*tls.CertificateVerificationError)) {
		advice = "a proxy that inspects traffic may have a certificate of its own: add its authority to this machine's, or set SSL_CERT_FILE"
	}
	cause := e.Err
	if request := new(url.Error); errors.As(cause, &request) {
		cause = request.Err
	}
	return fmt.Sprintf("%s cannot be reached: %s (%v)", e.Host, advice, cause)
}

// Unwrap returns the error of the connection.
func (e *UnreachableError) Unwrap() error { return e.Err }

// unreached returns an *UnreachableError if that is why a request to a host failed, and err
// otherwise.
func unreached(host string, err error) error {
	dial := new(net.OpError)
	if errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, new(*tls.CertificateVerificationError)) {
		return &UnreachableError{host, err}
	}
	return err
}
