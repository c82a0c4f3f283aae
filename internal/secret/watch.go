package secret

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// Watch gives a transport that has what its requests carry as credentials masked
// before they are sent: a server may echo them. It sees what others add to a
// request too, such as a token that a registry gave out.
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

// credentials are the names of the headers that carry them.
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

// CloseIdleConnections lets go of connections that nobody uses.
func (w watch) CloseIdleConnections() {
	if to, ok := w.to.(interface{ CloseIdleConnections() }); ok {
		to.CloseIdleConnections()
	}
}

// learnHeader tells secrets the credential in the value of an Authorization header, and
// the password in it.
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
