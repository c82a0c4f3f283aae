package registry

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/slipway-ci/slipway/internal/bounded"
)

const (
	// maxListed limits all that a registry sends while it is listed, in bytes: a million tags have some 50 MB.
	maxListed = 128 << 20
	// maxPages limits how many answers that takes. A registry may name a next page, or a repository below
	// another one, without end.
	maxPages = 10_000
)

// ListError reports that a list of a registry does not end.
type ListError struct{ Host string }

// Error implements error.
func (e *ListError) Error() string {
	return fmt.Sprintf("the list of %s does not end: it has more than %d pages, %d MiB or a name of more than %d characters; name the images to list", e.Host, maxPages, maxListed>>20, maxName)
}

// listing is a transport for the requests that list a registry.
type listing struct {
	next         http.RoundTripper
	bytes, pages atomic.Int64
}

// RoundTrip implements http.RoundTripper. The error may be a *ListError, and so may that of the body.
func (l *listing) RoundTrip(request *http.Request) (*http.Response, error) {
	endless := &ListError{request.URL.Host}
	left := maxListed - l.bytes.Load()
	if l.pages.Add(1) > maxPages || left <= 0 {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, endless
	}
	response, err := l.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = &listed{bounded.NewReader(response.Body, left, endless), response.Body, &l.bytes}
	return response, nil
}

// listed is the body of an answer, which counts.
type listed struct {
	io.Reader
	io.Closer
	bytes *atomic.Int64
}

// Read implements io.Reader.
func (l *listed) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	l.bytes.Add(int64(n))
	return n, err
}
