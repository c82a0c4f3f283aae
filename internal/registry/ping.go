package registry

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// CachePings returns a transport that sends GET /v2/, by which a registry says which
// credentials it wants, only once to each registry. The client sends it for every
// repository, but the response is the same for all of them.
func CachePings(next http.RoundTripper) http.RoundTripper {
	return &pings{next: next, byURL: map[string]*ping{}}
}

type pings struct {
	next http.RoundTripper

	mu    sync.Mutex
	byURL map[string]*ping
}

// ping is the response of one registry. Its lock makes other requests wait for the first.
type ping struct {
	mu       sync.Mutex
	known    bool
	response http.Response
	body     []byte
}

// RoundTrip implements http.RoundTripper.
func (p *pings) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet || request.URL.Path != "/v2/" || request.Header.Get("Authorization") != "" {
		return p.next.RoundTrip(request)
	}
	p.mu.Lock()
	one := p.byURL[request.URL.Scheme+request.URL.Host]
	if one == nil {
		one = &ping{}
		p.byURL[request.URL.Scheme+request.URL.Host] = one
	}
	p.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	if !one.known {
		response, err := p.next.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusUnauthorized {
			return response, nil // do not remember an error, which may be temporary
		}
		one.body, err = io.ReadAll(io.LimitReader(response.Body, 64<<10))
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		one.response, one.known = *response, true
	}
	again := one.response
	again.Header, again.Request = again.Header.Clone(), request
	again.Body = io.NopCloser(bytes.NewReader(one.body))
	return &again, nil
}
