package secret

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// Watch returns a transport that passes the credentials of each request to secrets before
// the request is sent, as a server may echo them. It also sees credentials that other
// code adds to a request, such as a token from a registry. It returns to itself if to or
// secrets is nil.
func Watch(to http.RoundTripper, secrets Learner) http.RoundTripper {
	if to == nil || secrets == nil {
		return to
	}
	return watch{to, secrets}
}

type watch struct {
	to      http.RoundTripper
	secrets Learner
}

// credentials are the names of headers that carry credentials.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Registry-Auth", "X-Api-Key"}

// RoundTrip implements http.RoundTripper.
func (w watch) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, name := range credentials {
		for _, value := range r.Header.Values(name) {
			learnHeader(w.secrets, value)
		}
	}
	return w.to.RoundTrip(r)
}

// CloseIdleConnections closes the idle connections of the wrapped transport.
func (w watch) CloseIdleConnections() {
	if to, ok := w.to.(interface{ CloseIdleConnections() }); ok {
		to.CloseIdleConnections()
	}
}

// learnHeader passes the credential in the value of an Authorization header, and the
// password in that, to secrets.
func learnHeader(secrets Learner, value string) {
	scheme, credential, found := strings.Cut(value, " ")
	if !found {
		credential = scheme
	}
	secrets.Learn([]byte(credential), true)
	if !strings.EqualFold(scheme, "Basic") {
		return
	}
	if decoded, err := base64.StdEncoding.DecodeString(credential); err == nil {
		_, password, _ := strings.Cut(string(decoded), ":")
		secrets.Learn([]byte(password), true)
	}
}
