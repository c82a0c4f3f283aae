package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// begin begins an upload and returns the URL to send the blob to. If from is not empty, it
// asks the registry to mount the blob with this digest from the repository from. If that
// succeeds, begin returns nil. By the specification a registry that cannot mount begins an
// ordinary upload. Some registries refuse the request, and begin then sends another one.
func (w *wire) begin(ctx context.Context, digest v1.Hash, from string) (*url.URL, error) {
	begin := func(query url.Values) (*http.Response, error) {
		return w.do(ctx, http.MethodPost, w.url("blobs", "uploads/", query), nil, http.NoBody, 0, http.StatusAccepted, http.StatusCreated)
	}
	var response *http.Response
	var err error
	if from != "" {
		response, err = begin(url.Values{"mount": {digest.String()}, "from": {from}})
	}
	if from == "" || Status(err)/100 == 4 && !isTemporary(err) {
		response, err = begin(nil)
	}
	if err != nil {
		return nil, err
	}
	defer drain(response)
	if response.StatusCode == http.StatusCreated {
		return nil, nil
	}
	return next(response)
}

var errNoLocation = errors.New("the upload response has no valid Location header")

// next returns the URL at which an upload continues.
func next(response *http.Response) (*url.URL, error) {
	location, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoLocation, err)
	}
	return location, checkAddress(response.Request.URL, location)
}

// lostUploadError reports that the registry no longer knows an upload, which then begins
// again.
type lostUploadError struct{ error }

func (e *lostUploadError) Unwrap() error { return e.error }

// lost returns a *lostUploadError if err says that an upload does not exist. Some
// registries respond with an error code of the specification, others only with status 404.
func lost(err error) error {
	if Status(err) == http.StatusNotFound {
		return &lostUploadError{err}
	}
	return err
}

// finish uploads a blob, or what is left of it, and completes the upload.
func (w *wire) finish(ctx context.Context, to *url.URL, digest v1.Hash, body io.Reader, size int64) error {
	query := to.Query()
	query.Set("digest", digest.String())
	end := *to
	end.RawQuery = query.Encode()
	response, err := w.do(ctx, http.MethodPut, &end, http.Header{"Content-Type": {"application/octet-stream"}}, body, size, http.StatusCreated, http.StatusNoContent)
	if err != nil {
		return lost(err)
	}
	defer drain(response)
	if said := response.Header.Get(digestHeader); said != "" && said != digest.String() {
		return &digestError{"digest of a blob", digest.String(), said}
	}
	return nil
}

// stream uploads a blob of unknown size and digest in one request, and returns the URL to
// complete the upload. sent returns the number of bytes that were sent.
func (w *wire) stream(ctx context.Context, to *url.URL, body io.Reader, sent func() int64) (*url.URL, error) {
	response, err := w.do(ctx, http.MethodPatch, to, http.Header{"Content-Type": {"application/octet-stream"}}, body, -1, http.StatusAccepted, http.StatusNoContent, http.StatusCreated)
	if err != nil {
		return nil, lost(err)
	}
	defer drain(response)
	var first, last int64
	if _, err := fmt.Sscanf(response.Header.Get("Range"), "%d-%d", &first, &last); err == nil && (first != 0 || last+1 != sent()) {
		return nil, &digestError{"range of a blob's uploaded bytes", fmt.Sprintf("0-%d", sent()-1), response.Header.Get("Range")}
	}
	return next(response)
}
