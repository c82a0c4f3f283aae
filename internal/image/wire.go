package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// maxManifest is how large a manifest may be: registries take 4 MiB.
	maxManifest = 4 << 20
	// digestHeader is what registries call a manifest's digest.
	digestHeader = "Docker-Content-Digest"
)

// wire speaks the OCI distribution protocol (version 1.1) with one repository.
// Each method sends one request, and does not repeat it. go-containerregistry's
// own client asks more often than is needed here; its transport does the
// authentication.
type wire struct {
	repository name.Repository
	client     *http.Client
}

// dial asks the repository's registry what credentials it wants, and gets them:
// for reading, or also for writing, and for reading the others.
func (r *Registry) dial(ctx context.Context, repository name.Repository, scope string, others ...name.Repository) (*wire, error) {
	own := []string{repository.Scope(scope)}
	scopes := own
	for _, other := range others {
		scopes = append(scopes, other.Scope(transport.PullScope))
	}
	var trip http.RoundTripper
	err := r.retry(ctx, func() error {
		auth, err := authn.Resolve(ctx, r.keychain(), repository)
		if err != nil {
			return err
		}
		trip, err = transport.NewWithContext(ctx, repository.Registry, auth, r.transport(), scopes)
		if code := status(err); len(others) > 0 && (code == http.StatusUnauthorized || code == http.StatusForbidden) {
			// Who may not read the others gets no token for all; their layers are sent then.
			trip, err = transport.NewWithContext(ctx, repository.Registry, auth, r.transport(), own)
		}
		return err
	})
	if err != nil {
		return nil, r.explain("ask for "+repository.String(), repository.RegistryStr(), err)
	}
	return &wire{repository: repository, client: &http.Client{Transport: trip, CheckRedirect: checkRedirect}}, nil
}

// greet asks the registry what credentials it wants while there is other work to
// do. With RememberPings the push need not wait for that; what goes wrong is told
// when it asks again.
func (r *Registry) greet(ctx context.Context, image string) {
	if _, remembers := r.Transport.(*pings); !remembers || r.Prefix == "" {
		return
	}
	if repository, err := r.Reference(image); err == nil {
		_, _ = transport.Ping(ctx, repository.Registry, r.transport())
	}
}

func (w *wire) url(kind, reference string, query url.Values) *url.URL {
	return &url.URL{
		Scheme: w.repository.Scheme(), Host: w.repository.RegistryStr(),
		Path: "/v2/" + w.repository.RepositoryStr() + "/" + kind + "/" + reference, RawQuery: query.Encode(),
	}
}

// do sends a request and gives an answer that has one of the codes.
func (w *wire) do(ctx context.Context, method string, u *url.URL, header http.Header, body io.Reader, size int64, codes ...int) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	if body != nil {
		request.ContentLength = size
	}
	response, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	if err := transport.CheckError(response, codes...); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

// done reads what is left of an answer, so that its connection can be used again.
func done(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	_ = response.Body.Close()
}

// digestError says that a registry has something else than it says.
type digestError struct {
	what      string
	want, got string
}

func (e *digestError) Error() string {
	return fmt.Sprintf("the registry answers with the digest %s for %s, which has %s", e.got, e.what, e.want)
}

// manifest gives the bytes of a manifest, and their digest.
func (w *wire) manifest(ctx context.Context, reference string) ([]byte, v1.Hash, error) {
	header := http.Header{"Accept": {string(types.OCIManifestSchema1), string(types.OCIImageIndex), string(types.DockerManifestSchema2), string(types.DockerManifestList)}}
	response, err := w.do(ctx, http.MethodGet, w.url("manifests", reference, nil), header, nil, 0, http.StatusOK)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	defer done(response)
	text, err := io.ReadAll(io.LimitReader(response.Body, maxManifest+1))
	if err != nil {
		return nil, v1.Hash{}, err
	}
	digest := hashOf(text)
	if said := response.Header.Get(digestHeader); said != "" && said != digest.String() {
		return nil, digest, &digestError{reference, digest.String(), said}
	}
	return text, digest, nil
}

// pointsTo tells whether a tag or digest is there and stands for a digest.
func (w *wire) pointsTo(ctx context.Context, reference string, digest v1.Hash) (bool, error) {
	header := http.Header{"Accept": {string(types.OCIManifestSchema1), string(types.OCIImageIndex)}}
	response, err := w.do(ctx, http.MethodHead, w.url("manifests", reference, nil), header, nil, 0, http.StatusOK, http.StatusNotFound)
	if refusesHead(err) {
		_, there, err := w.manifest(ctx, reference)
		if status(err) == http.StatusNotFound {
			return false, nil
		}
		return there == digest, err
	}
	if err != nil {
		return false, err
	}
	defer done(response)
	return response.StatusCode == http.StatusOK && response.Header.Get(digestHeader) == digest.String(), nil
}

// putManifest stores a manifest under a tag or digest.
func (w *wire) putManifest(ctx context.Context, reference string, mediaType types.MediaType, text []byte) error {
	header := http.Header{"Content-Type": {string(mediaType)}}
	response, err := w.do(ctx, http.MethodPut, w.url("manifests", reference, nil), header, bytes.NewReader(text), int64(len(text)),
		http.StatusCreated, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return err
	}
	defer done(response)
	if digest := hashOf(text).String(); response.Header.Get(digestHeader) != "" && response.Header.Get(digestHeader) != digest {
		return &digestError{reference, digest, response.Header.Get(digestHeader)}
	}
	return nil
}

// hasBlob tells whether the repository has a blob, and how large it is there; -1 where
// the registry does not say.
func (w *wire) hasBlob(ctx context.Context, digest v1.Hash) (there bool, size int64, err error) {
	at := w.url("blobs", digest.String(), nil)
	response, err := w.do(ctx, http.MethodHead, at, nil, nil, 0, http.StatusOK, http.StatusNotFound)
	if refusesHead(err) {
		response, err = w.do(ctx, http.MethodGet, at, http.Header{"Range": {"bytes=0-0"}}, nil, 0, http.StatusOK, http.StatusPartialContent, http.StatusNotFound)
	}
	if err != nil {
		return false, 0, err
	}
	defer done(response)
	size = response.ContentLength
	if response.StatusCode == http.StatusPartialContent {
		_, total, _ := strings.Cut(response.Header.Get("Content-Range"), "/")
		if size, err = strconv.ParseInt(total, 10, 64); err != nil {
			size = -1
		}
	}
	return response.StatusCode != http.StatusNotFound, size, nil
}

// smallBlob gives the bytes of a blob such as a configuration.
func (w *wire) smallBlob(ctx context.Context, digest v1.Hash) ([]byte, error) {
	response, err := w.do(ctx, http.MethodGet, w.url("blobs", digest.String(), nil), nil, nil, 0, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer done(response)
	text, err := io.ReadAll(io.LimitReader(response.Body, maxManifest+1))
	if err == nil && hashOf(text) != digest {
		return nil, &digestError{"a blob", digest.String(), hashOf(text).String()}
	}
	return text, err
}

// refusesHead reports whether a registry, or a proxy before it, knows no HEAD.
func refusesHead(err error) bool {
	code := status(err)
	return code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented
}

// begin begins an upload and gives where it goes. With a digest, the registry
// takes the blob from another of its repositories instead, if it can: then the
// address is nil, and the blob is there. The specification has a registry that
// cannot begin an ordinary upload; some refuse the request.
func (w *wire) begin(ctx context.Context, digest v1.Hash, from string) (*url.URL, error) {
	begin := func(query url.Values) (*http.Response, error) {
		return w.do(ctx, http.MethodPost, w.url("blobs", "uploads/", query), nil, http.NoBody, 0, http.StatusAccepted, http.StatusCreated)
	}
	var response *http.Response
	var err error
	if from != "" {
		response, err = begin(url.Values{"mount": {digest.String()}, "from": {from}})
	}
	if from == "" || status(err)/100 == 4 && !passing(err) {
		response, err = begin(nil)
	}
	if err != nil {
		return nil, err
	}
	defer done(response)
	if response.StatusCode == http.StatusCreated {
		return nil, nil
	}
	return next(response)
}

var errNoLocation = errors.New("the registry does not say where the upload goes on")

// next gives where an upload goes on.
func next(response *http.Response) (*url.URL, error) {
	location, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoLocation, err)
	}
	return location, checkAddress(response.Request.URL, location)
}

// lostUploadError is an upload that the registry does not know any more. It begins
// anew.
type lostUploadError struct{ error }

func (e *lostUploadError) Unwrap() error { return e.error }

// lost tells an upload that is not there from other errors. Some registries say so
// with a code of the specification, others only with 404.
func lost(err error) error {
	if status(err) == http.StatusNotFound {
		return &lostUploadError{err}
	}
	return err
}

// finish sends a blob, or what is left of it, and ends the upload.
func (w *wire) finish(ctx context.Context, to *url.URL, digest v1.Hash, body io.Reader, size int64) error {
	query := to.Query()
	query.Set("digest", digest.String())
	end := *to
	end.RawQuery = query.Encode()
	response, err := w.do(ctx, http.MethodPut, &end, http.Header{"Content-Type": {"application/octet-stream"}}, body, size, http.StatusCreated, http.StatusNoContent)
	if err != nil {
		return lost(err)
	}
	defer done(response)
	if said := response.Header.Get(digestHeader); said != "" && said != digest.String() {
		return &digestError{"a blob", digest.String(), said}
	}
	return nil
}

// stream sends a blob whose size and digest are not known yet, in one piece, and
// gives where the upload ends. sent gives how much it was.
func (w *wire) stream(ctx context.Context, to *url.URL, body io.Reader, sent func() int64) (*url.URL, error) {
	response, err := w.do(ctx, http.MethodPatch, to, http.Header{"Content-Type": {"application/octet-stream"}}, body, -1, http.StatusAccepted, http.StatusNoContent, http.StatusCreated)
	if err != nil {
		return nil, lost(err)
	}
	defer done(response)
	var first, last int64
	if _, err := fmt.Sscanf(response.Header.Get("Range"), "%d-%d", &first, &last); err == nil && (first != 0 || last+1 != sent()) {
		return nil, &digestError{"what it has of a blob", fmt.Sprintf("0-%d", sent()-1), response.Header.Get("Range")}
	}
	return next(response)
}
