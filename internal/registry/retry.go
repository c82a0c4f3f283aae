package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
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
func (c *Client) retry(ctx context.Context, do func() error) error {
	pause := c.Pause
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
			c.tellWait(err, wait)
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
	switch code := Status(err); {
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
		making      *MakingError
		certificate *tls.CertificateVerificationError
		lookup      *net.DNSError
		digest      *digestError
		request     *url.Error
		network     net.Error
	)
	switch {
	case errors.As(err, &address), errors.As(err, &silent), errors.As(err, &fault), errors.As(err, &file), errors.As(err, &making), errors.As(err, &certificate):
		return false
	case errors.As(err, &lookup):
		return !lookup.IsNotFound
	}
	return errors.As(err, &digest) || errors.As(err, &request) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
