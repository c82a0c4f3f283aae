package registry

import (
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Vanished reports whether a registry refused a manifest because it has
// lost a blob, or an image of an index, that was there a moment ago.
func Vanished(err error) bool {
	return refusedFor(err, transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode, transport.ManifestUnknownErrorCode)
}

// unreadable tells that a registry cannot read what it has for a tag: docker-registry,
// broken off while it wrote one, answers UNKNOWN until the tag is written anew.
func unreadable(err error) bool {
	return Status(err) == http.StatusInternalServerError && refusedFor(err, transport.UnknownErrorCode)
}

// refusedFor tells whether a registry gave one of these codes.
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

// Status returns the HTTP status of a registry's refusal, 0 for other errors.
func Status(err error) int {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}
