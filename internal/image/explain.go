package image

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// plainError is a refusal whose text is a web page, which is not shown.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error { return e.err }

// plain gives an error without what helps nobody: the page of a proxy. One of a
// certificate says what to do.
func plain(err error) error {
	unknown := new(x509.UnknownAuthorityError)
	switch {
	case err == nil:
		return nil
	case errors.As(err, unknown):
		return fmt.Errorf("%w: nobody whom this machine trusts has signed the registry's certificate; add the authority's certificate to the system's, or name its file by SSL_CERT_FILE", err)
	case status(err) != 0 && mentions(err, "<html", "<!doctype"):
		return &plainError{"it answers " + answerOf(status(err)) + " with a web page, which a proxy before it may have made", err}
	}
	return err
}

// mentions reports whether an error's text has one of these words, in any case.
func mentions(err error, words ...string) bool {
	text := strings.ToLower(err.Error())
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// limitedError is the refusal of a registry that limits how much is asked.
func limitedError(host string, err error) error {
	until := ""
	if wait := asked(err); wait > 0 {
		until = fmt.Sprintf(", and wants to be asked again in %s", wait)
	}
	return fmt.Errorf("the registry %s limits how much is asked of it (%s)%s: log in with `docker login %s`, where who is known may ask more, or take images from a mirror: %w",
		host, answerOf(http.StatusTooManyRequests), until, host, err)
}

// unattached explains that a registry takes an image and no attestation.
func unattached(err error) error {
	code := status(err)
	if refusedFor(err, transport.ManifestInvalidErrorCode, transport.UnsupportedErrorCode) || code == http.StatusUnsupportedMediaType {
		return fmt.Errorf("the registry takes no OCI artifacts, which SBOM and provenance are; --no-attestations leaves them out: %w", err)
	}
	return err
}
