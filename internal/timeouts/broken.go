package timeouts

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Broken reports whether a request got no response because a connection was refused or
// broke, so that the same request may succeed later. An untrusted certificate, a host that
// does not exist and a panic are not such reasons, nor is an *Error, whose timeout is too
// long to wait for it again.
func Broken(err error) bool {
	var (
		silent      *Error
		fault       *panics.Error
		certificate *tls.CertificateVerificationError
		lookup      *net.DNSError
		network     net.Error
		request     *url.Error
	)
	switch {
	case errors.As(err, &silent), errors.As(err, &fault), errors.As(err, &certificate):
		return false
	case errors.As(err, &lookup):
		return !lookup.IsNotFound
	}
	return errors.As(err, &network) || errors.As(err, &request) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
