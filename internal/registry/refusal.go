package registry

import (
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Vanished reports whether a registry refused a manifest because it has lost a blob, or an
// image of an index, that it had a moment ago.
func Vanished(err error) bool {
	return refusedFor(err, transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode, transport.ManifestUnknownErrorCode)
}

// unreadable reports whether a registry cannot read the manifest of a tag. docker-registry,
// if interrupted while it writes a tag, responds with UNKNOWN until the tag is written
// again.
func unreadable(err error) bool {
	return Status(err) == http.StatusInternalServerError && refusedFor(err, transport.UnknownErrorCode)
}

// refusedFor reports whether a registry refused a request with one of the codes.
func refusedFor(err error, codes ...transport.ErrorCode) bool {
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

// Status returns the HTTP status of a registry's refusal, or 0 for any other error.
func Status(err error) int {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}
