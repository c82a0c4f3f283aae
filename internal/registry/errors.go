package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// BlobLost reports whether a registry refused a manifest because it has lost a blob, or an
// image of an index, that it had a moment ago.
func BlobLost(err error) bool {
	return hasErrorCode(err, transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode, transport.ManifestUnknownErrorCode)
}

// isUnreadable reports whether a registry cannot read the manifest of a tag. docker-registry,
// if interrupted while it writes a tag, responds with UNKNOWN until the tag is written
// again.
func isUnreadable(err error) bool {
	return Status(err) == http.StatusInternalServerError && hasErrorCode(err, transport.UnknownErrorCode)
}

// hasErrorCode reports whether a registry refused a request with one of the codes.
func hasErrorCode(err error, codes ...transport.ErrorCode) bool {
	var refused *transport.Error
	if errors.As(err, &refused) {
		for _, d := range refused.Errors {
			for _, code := range codes {
				if d.Code == code {
					return true
				}
			}
		}
	}
	return false
}

// Unanswered reports whether an error means that a registry could not be asked: it cannot be
// reached, it is broken, or it refuses more requests for now. A certificate that is not trusted is
// an answer.
func Unanswered(err error) bool {
	if code := Status(err); code != 0 {
		return code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
	}
	var (
		certificate *tls.CertificateVerificationError
		address     *AddressError
		silent      *timeouts.Error
		network     net.Error
	)
	switch {
	case errors.As(err, &certificate), errors.As(err, &address), errors.Is(err, context.Canceled):
		return false
	}
	return errors.As(err, &network) || errors.As(err, &silent)
}

// Status returns the HTTP status of a registry's refusal, or 0 for any other error.
func Status(err error) int {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}
