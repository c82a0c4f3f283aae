package registry

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// RememberPings gives a transport that asks each registry only once what
// credentials it wants (GET /v2/): the client asks for every repository, and the
// answer is the same.
func RememberPings(next http.RoundTripper) http.RoundTripper {
	return &pings{next: next, answers: map[string]*ping{}}
}

type pings struct {
	next http.RoundTripper

	mu      sync.Mutex
	answers map[string]*ping
}

// ping is one registry's answer. Its lock lets one ask and the others wait.
type ping struct {
	mu     sync.Mutex
	known  bool
	answer http.Response
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (p *pings) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet || request.URL.Path != "/v2/" || request.Header.Get("Authorization") != "" {
		return p.next.RoundTrip(request)
	}
	p.mu.Lock()
	one := p.answers[request.URL.Scheme+request.URL.Host]
	if one == nil {
		one = &ping{}
		p.answers[request.URL.Scheme+request.URL.Host] = one
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
			return response, nil // it may answer otherwise the next time
		}
		one.body, err = io.ReadAll(io.LimitReader(response.Body, 64<<10))
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		one.answer, one.known = *response, true
	}
	again := one.answer
	again.Header, again.Request = again.Header.Clone(), request
	again.Body = io.NopCloser(bytes.NewReader(one.body))
	return &again, nil
}
