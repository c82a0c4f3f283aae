package google

import (
	"io"
	"net/http"
)

// Transport returns a transport that adds an access token to requests for host, which is
// the host and the port of a URL. Requests for other hosts get none, so that a redirect
// does not give the token away. When a service refuses a token with 401, the request is
// sent once more with a new one.
func (c *Credentials) Transport(next http.RoundTripper, host string) http.RoundTripper {
	return &transport{next: next, host: host, tokens: &c.tokens}
}

// transport is a transport with access tokens.
type transport struct {
	next   http.RoundTripper
	host   string
	tokens *tokens
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host != t.host {
		return t.next.RoundTrip(request)
	}
	token, err := t.tokens.get(request.Context())
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, &NoTokenError{err}
	}
	response, err := t.next.RoundTrip(bearing(request, token.AccessToken))
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	again, ok := replay(request)
	if !ok {
		return response, nil
	}
	fresh, err := t.tokens.other(request.Context(), token.AccessToken)
	if err != nil || fresh.AccessToken == token.AccessToken {
		if again.Body != nil {
			_ = again.Body.Close()
		}
		if err != nil {
			_ = response.Body.Close()
			return nil, &NoTokenError{err}
		}
		return response, nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	_ = response.Body.Close()
	return t.next.RoundTrip(bearing(again, fresh.AccessToken))
}

// CloseIdleConnections closes the idle connections of the wrapped transport.
func (t *transport) CloseIdleConnections() {
	if next, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// replay returns a copy of a request that can be sent after the request itself. It reports
// false if the body cannot be read again.
func replay(request *http.Request) (*http.Request, bool) {
	again := request.Clone(request.Context())
	if request.Body == nil || request.Body == http.NoBody {
		return again, true
	}
	if request.GetBody == nil {
		return nil, false
	}
	body, err := request.GetBody()
	again.Body = body
	return again, err == nil
}

// bearing returns a copy of a request with a token.
func bearing(request *http.Request, token string) *http.Request {
	copied := request.Clone(request.Context())
	copied.Header.Set("Authorization", "Bearer "+token)
	return copied
}

// NoTokenError is the error of a request that was not sent because there is no token for it. Getting one
// was tried as often as makes sense.
type NoTokenError struct{ Err error }

// Error implements error.
func (e *NoTokenError) Error() string { return e.Err.Error() }

// Unwrap returns why there is no token.
func (e *NoTokenError) Unwrap() error { return e.Err }
