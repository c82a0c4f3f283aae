package registry

import (
	"io"
	"net/http"
	"strings"
)

// emptyTransport stands for a repository that has nothing and takes nothing. It sends no request.
type emptyTransport struct{}

// RoundTrip implements http.RoundTripper.
func (emptyTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	code := http.StatusNotFound
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		code = http.StatusForbidden
	}
	if request.Body != nil {
		_ = request.Body.Close()
	}
	return &http.Response{
		Status: statusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: request,
	}, nil
}
