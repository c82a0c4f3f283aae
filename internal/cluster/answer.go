package cluster

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/bounded"
)

// maxAnswer bounds an answer of Kubernetes in bytes. The largest are lists of pods: 10,000 pods have some
// 100 MB. Logs and watches have no bound, because they are read as they come.
const maxAnswer = 256 << 20

// RedirectError reports that an API server, or a proxy before it, redirects to another host.
// Package client-go would follow, and send the token there.
type RedirectError struct{ From, To string }

// Error implements error. It names both hosts.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s redirects to %s, which is not followed because that host would get the token: check the server's address in the kubeconfig, and whether a proxy asks for a login", e.From, e.To)
}

// SizeError reports that an answer is too large to be one of Kubernetes.
type SizeError struct {
	Host  string
	Limit int64 // in bytes
}

// Error implements error.
func (e *SizeError) Error() string {
	return fmt.Sprintf("the answer of %s is larger than %d MiB", e.Host, e.Limit>>20)
}

// answers is a transport that returns no redirect to another host, and no answer that is
// larger than limit, in bytes.
type answers struct {
	next  http.RoundTripper
	limit int64
}

// RoundTrip implements http.RoundTripper. The error may be a *RedirectError.
func (a answers) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := a.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if to := response.Header.Get("Location"); to != "" && response.StatusCode/100 == 3 {
		if next, err := request.URL.Parse(to); err != nil || leads(request.URL, next) {
			_ = response.Body.Close()
			return nil, &RedirectError{request.URL.Host, hostOf(next)}
		}
	}
	if !limits.Endless(request) && !isLog(request.URL.Path) && response.StatusCode != http.StatusSwitchingProtocols {
		large := &SizeError{request.URL.Host, a.limit}
		response.Body = struct {
			io.Reader
			io.Closer
		}{bounded.NewReader(response.Body, a.limit, large), response.Body}
	}
	return response, nil
}

// isLog reports whether a path of an API server is that of a pod's log: others may end with log, too, as the
// last part of a path may be the name of an object.
func isLog(path string) bool {
	parts := strings.Split(path, "/")
	n := len(parts)
	return n >= 5 && parts[n-1] == "log" && parts[n-3] == "pods" && parts[n-5] == "namespaces"
}

// WrappedRoundTripper returns the transport below, as client-go looks for it.
func (a answers) WrappedRoundTripper() http.RoundTripper { return a.next }

// leads reports whether a redirect leads to another host, or from TLS to no TLS.
func leads(from, to *url.URL) bool {
	return to.Host != from.Host || to.Scheme != from.Scheme && to.Scheme != "https"
}

// hostOf returns the host of an address for messages.
func hostOf(at *url.URL) string {
	if at == nil || at.Host == "" {
		return "an address that is not valid"
	}
	return at.Scheme + "://" + at.Host
}
