package image

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/silence"
)

const (
	// attempts is how often a request that failed in passing is sent.
	attempts = 5
	// firstPause is doubled after each attempt: 3 s in all.
	firstPause = 200 * time.Millisecond
	// maxWait is how long one request is put off in all because its registry asks
	// for it.
	maxWait = 10 * time.Minute
)

// retry repeats what fails in passing, and heeds the context while it waits. A
// registry that says when to ask again is waited for, which counts as no attempt:
// it is busy, and not broken.
func (r *Registry) retry(ctx context.Context, do func() error) error {
	pause := r.Pause
	if pause == nil {
		pause = clock.Wait
	}
	var waited time.Duration
	for n := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := do()
		wait := asked(err)
		switch {
		case err == nil || ctx.Err() != nil || !passing(err):
			return err
		case wait > 0 && waited+wait > maxWait:
			return err
		case wait > 0:
			waited += wait
			r.tellWait(err, wait)
		case n == attempts-1:
			return err
		default:
			wait = firstPause << n
			n++
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// passing tells whether the same request may succeed when it is sent again.
func passing(err error) bool {
	switch code := status(err); {
	case errors.As(err, new(*lostUploadError)):
		return true
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusRequestedRangeNotSatisfiable, code >= 500:
		return true
	case code != 0: // an upload that the registry has lost, or that arrived damaged
		return refusedFor(err, transport.BlobUploadUnknownErrorCode, transport.BlobUploadInvalidErrorCode, transport.DigestInvalidErrorCode, transport.SizeInvalidErrorCode)
	}
	var (
		address     *AddressError
		silent      *silence.Error // nobody waits that long five times
		fault       *panics.Error
		file        *fs.PathError
		changed     *ChangedError
		certificate *tls.CertificateVerificationError
		lookup      *net.DNSError
		digest      *digestError
		request     *url.Error
		network     net.Error
	)
	switch {
	case errors.As(err, &address), errors.As(err, &silent), errors.As(err, &fault), errors.As(err, &file), errors.As(err, &changed), errors.As(err, &certificate):
		return false
	case errors.As(err, &lookup):
		return !lookup.IsNotFound
	}
	return errors.As(err, &digest) || errors.As(err, &request) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// vanished tells that a registry refused a manifest because it has lost a blob, or
// an image of an index, that was there a moment ago.
func vanished(err error) bool {
	return refusedFor(err, transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode, transport.ManifestUnknownErrorCode)
}

// unreadable tells that a registry cannot read what it has for a tag: docker-registry,
// broken off while it wrote one, answers UNKNOWN until the tag is written anew.
func unreadable(err error) bool {
	return status(err) == http.StatusInternalServerError && refusedFor(err, transport.UnknownErrorCode)
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

// status gives the HTTP status of a registry's refusal, 0 for other errors.
func status(err error) int {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}

// explain says what was tried, and what the user can do.
func (r *Registry) explain(what, host string, err error) error {
	err = plain(err)
	switch code := status(err); {
	case err == nil:
		return nil
	case code == http.StatusForbidden && mentions(err, "quota", "storage limit"):
		return fmt.Errorf("%s: the registry %s has no room left for you: delete images that nobody needs, or have its quota raised: %w", what, host, err)
	case code == http.StatusTooManyRequests:
		return fmt.Errorf("%s: %w", what, limitedError(host, err))
	case code == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%s: the registry %s, or a proxy before it, takes no request of this size: have its limit raised (nginx: client_max_body_size 0), or make the largest file of the image smaller: %w", what, host, err)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%s: the registry %s does not know you%s: log in with `docker login %s`, or check the credentials in its credential helper: %w", what, host, r.tried(host), host, err)
	case code == http.StatusForbidden:
		return fmt.Errorf("%s: the registry %s does not let you%s: ask for the right to write there, or log in as somebody else with `docker login %s`: %w", what, host, r.tried(host), host, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// tried says which credentials were tried, where the keychain knows it.
func (r *Registry) tried(host string) string {
	c, ok := r.Keychain.(interface{ Tried(host string) []string })
	if !ok {
		return ""
	}
	if ways := c.Tried(host); len(ways) > 0 {
		return " (tried: " + strings.Join(ways, "; ") + ")"
	}
	return ""
}
