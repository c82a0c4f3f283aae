package secret

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// Watch gives a transport that has what its requests carry as credentials masked
// before they are sent: a server may echo them. It sees what others add to a
// request too, such as a token that a registry gave out.
func Watch(to http.RoundTripper, m *Masker) http.RoundTripper {
	if to == nil || m == nil {
		return to
	}
	return watch{to, m}
}

type watch struct {
	to     http.RoundTripper
	masker *Masker
}

// credentials are the names of the headers that carry them.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Registry-Auth", "X-Api-Key"}

// RoundTrip implements http.RoundTripper.
func (w watch) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, name := range credentials {
		for _, value := range r.Header.Values(name) {
			w.masker.AddHeader(value)
		}
	}
	return w.to.RoundTrip(r)
}

// CloseIdleConnections lets go of connections that nobody uses.
func (w watch) CloseIdleConnections() {
	if to, ok := w.to.(interface{ CloseIdleConnections() }); ok {
		to.CloseIdleConnections()
	}
}

// AddHeader has the credential in the value of an Authorization header masked, and
// the password in it.
func (m *Masker) AddHeader(value string) {
	scheme, credential, found := strings.Cut(value, " ")
	if !found {
		credential = scheme
	}
	m.mu.RLock()
	known := m.known[credential]
	m.mu.RUnlock()
	if known {
		return
	}
	m.Add(NewValue([]byte(credential)))
	if !strings.EqualFold(scheme, "Basic") {
		return
	}
	if decoded, err := base64.StdEncoding.DecodeString(credential); err == nil {
		_, password, _ := strings.Cut(string(decoded), ":")
		m.Add(NewValue([]byte(password)))
	}
}
