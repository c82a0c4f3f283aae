package cluster

import (
	"fmt"
	"net/http"
	"sync"

	"k8s.io/client-go/rest"
)

// plugin keeps the program of a kubeconfig that gets credentials from being run again when it has
// failed. Package client-go would run it for each request, and each time it would print why it failed,
// or ask for a login. A program that fails later, to renew credentials, is run again.
type plugin struct {
	// turn holds a value while a request waits for the first credentials. It guards failed.
	turn   chan struct{}
	failed error
	// given is closed when there are credentials.
	given chan struct{}
	once  sync.Once
}

func newPlugin() *plugin { return &plugin{turn: make(chan struct{}, 1), given: make(chan struct{})} }

// httpClient returns a client for config.
func (p *plugin) httpClient(config *rest.Config) (*http.Client, error) {
	if config.ExecProvider == nil {
		return rest.HTTPClientFor(config)
	}
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { // requests come here with credentials
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			p.once.Do(func() { close(p.given) })
			return next.RoundTrip(request)
		})
	})
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	next := client.Transport
	client.Transport = roundTripper(func(request *http.Request) (*http.Response, error) { return p.pass(request, next) })
	return client, nil
}

// outdated says what to do about a kubeconfig of a form that Kubernetes no longer supports, which
// client-go refuses. It returns "" if there is nothing old in config.
func outdated(config *rest.Config) string {
	switch {
	case config.AuthProvider != nil:
		return " (users.auth-provider is no longer supported, by kubectl neither: get the kubeconfig anew; a cluster of GKE needs none with cluster.gke in slipway.yaml)"
	case config.ExecProvider != nil:
		return " (update the program that users.exec of the kubeconfig names, and get the kubeconfig anew)"
	}
	return ""
}

// pass sends a request, once it is known that the program gives credentials. It returns the error of
// the program if it does not.
func (p *plugin) pass(request *http.Request, next http.RoundTripper) (*http.Response, error) {
	select {
	case <-p.given:
		return next.RoundTrip(request)
	default:
	}
	select {
	case <-p.given:
		return next.RoundTrip(request)
	case <-request.Context().Done():
		return nil, fmt.Errorf("wait for the credentials: %w", request.Context().Err())
	case p.turn <- struct{}{}:
	}
	defer func() { <-p.turn }()
	if p.failed != nil {
		return nil, p.failed
	}
	response, err := next.RoundTrip(request)
	if ofPlugin(err) {
		p.failed = err
	}
	return response, err
}

// roundTripper is a function that sends a request.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
