package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/bounded"
)

const (
	// maxManifest is the maximum size of a manifest in bytes, which is what registries
	// accept.
	maxManifest = 4 << 20
	// digestHeader is the response header with the digest of a manifest or blob.
	digestHeader = "Docker-Content-Digest"
)

// wire speaks the OCI distribution protocol (version 1.1) with one repository. Its methods
// do not retry. It replaces the client of go-containerregistry, which sends more requests
// than are needed here, but uses its transport for authentication.
type wire struct {
	repository name.Repository
	client     *http.Client
}

// newWire returns the protocol client for a repository. The transport authenticates.
func newWire(repository name.Repository, transport http.RoundTripper) *wire {
	return &wire{repository: repository, client: &http.Client{Transport: transport, CheckRedirect: checkRedirect}}
}

// url returns the URL of an endpoint of the repository. kind is manifests, blobs or
// referrers.
func (w *wire) url(kind, reference string, query url.Values) *url.URL {
	return &url.URL{
		Scheme: w.repository.Scheme(), Host: w.repository.RegistryStr(),
		Path: "/v2/" + w.repository.RepositoryStr() + "/" + kind + "/" + reference, RawQuery: query.Encode(),
	}
}

// do sends a request and returns the response if its status is one of codes.
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

// drain drains and closes the body of a response, so that its connection can be reused.
func drain(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	_ = response.Body.Close()
}

// DigestOf returns the SHA-256 digest of text.
func DigestOf(text []byte) v1.Hash {
	sum := sha256.Sum256(text)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// digestError reports that a registry has other content than was sent or asked for.
type digestError struct {
	what      string
	want, got string
}

func (e *digestError) Error() string {
	return fmt.Sprintf("%s mismatch: want %s, got %s", e.what, e.want, e.got)
}

// manifest returns the bytes of a manifest, and their digest.
func (w *wire) manifest(ctx context.Context, reference string) ([]byte, v1.Hash, error) {
	header := http.Header{"Accept": {string(types.OCIManifestSchema1), string(types.OCIImageIndex), string(types.DockerManifestSchema2), string(types.DockerManifestList)}}
	response, err := w.do(ctx, http.MethodGet, w.url("manifests", reference, nil), header, nil, 0, http.StatusOK)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	defer drain(response)
	text, err := bounded.ReadAll(response.Body, maxManifest)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	digest := DigestOf(text)
	if said := response.Header.Get(digestHeader); said != "" && said != digest.String() {
		return nil, digest, &digestError{"digest of " + reference, digest.String(), said}
	}
	if strings.Contains(reference, ":") && reference != digest.String() { // tags have no colon
		return nil, digest, &digestError{"digest of a manifest", reference, digest.String()}
	}
	return text, digest, nil
}

// pointsTo reports whether a tag or digest exists and refers to the given digest.
func (w *wire) pointsTo(ctx context.Context, reference string, digest v1.Hash) (bool, error) {
	header := http.Header{"Accept": {string(types.OCIManifestSchema1), string(types.OCIImageIndex)}}
	response, err := w.do(ctx, http.MethodHead, w.url("manifests", reference, nil), header, nil, 0, http.StatusOK, http.StatusNotFound)
	if refusesHead(err) {
		_, there, err := w.manifest(ctx, reference)
		if Status(err) == http.StatusNotFound {
			return false, nil
		}
		return there == digest, err
	}
	if err != nil {
		return false, err
	}
	defer drain(response)
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
	defer drain(response)
	if digest := DigestOf(text).String(); response.Header.Get(digestHeader) != "" && response.Header.Get(digestHeader) != digest {
		return &digestError{"digest of " + reference, digest, response.Header.Get(digestHeader)}
	}
	return nil
}

// hasBlob reports whether the repository has a blob, and its size there, -1 if the registry
// does not say.
func (w *wire) hasBlob(ctx context.Context, digest v1.Hash) (there bool, size int64, err error) {
	at := w.url("blobs", digest.String(), nil)
	response, err := w.do(ctx, http.MethodHead, at, nil, nil, 0, http.StatusOK, http.StatusNotFound)
	if refusesHead(err) {
		response, err = w.do(ctx, http.MethodGet, at, http.Header{"Range": {"bytes=0-0"}}, nil, 0, http.StatusOK, http.StatusPartialContent, http.StatusNotFound)
	}
	if err != nil {
		return false, 0, err
	}
	defer drain(response)
	size = response.ContentLength
	if response.StatusCode == http.StatusPartialContent {
		_, total, _ := strings.Cut(response.Header.Get("Content-Range"), "/")
		if size, err = strconv.ParseInt(total, 10, 64); err != nil {
			size = -1
		}
	}
	return response.StatusCode != http.StatusNotFound, size, nil
}

// smallBlob returns the bytes of a blob such as a configuration.
func (w *wire) smallBlob(ctx context.Context, digest v1.Hash) ([]byte, error) {
	response, err := w.do(ctx, http.MethodGet, w.url("blobs", digest.String(), nil), nil, nil, 0, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer drain(response)
	text, err := bounded.ReadAll(response.Body, maxManifest)
	if err == nil && DigestOf(text) != digest {
		return nil, &digestError{"digest of a blob", digest.String(), DigestOf(text).String()}
	}
	return text, err
}

// refusesHead reports whether a registry, or a proxy in front of it, does not support HEAD.
func refusesHead(err error) bool {
	code := Status(err)
	return code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented
}
