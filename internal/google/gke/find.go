package gke

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/google"
)

// Finder finds clusters with the credentials of one identity.
type Finder struct {
	Credentials *google.Credentials
	// Roots are the certificate authorities, as PEM, of the endpoints that Google's own front
	// ends serve: the DNS-based endpoint and the connect gateway. Nil means the system's. A
	// cluster's addresses are always checked with the cluster's own authority.
	Roots []byte
}

// Access is how to reach a cluster.
type Access struct {
	// Config has the address, the certificate authority and the tokens.
	Config *rest.Config
	// Name is the name of the cluster for messages, which is its context in a kubeconfig of
	// gcloud.
	Name string
	// Endpoint is the endpoint that was chosen, and Why says why.
	Endpoint Endpoint
	Why      string
	// Version is the version of Kubernetes, or "" if the gateway was asked for by name.
	Version string
}

// query is what was asked for.
type query struct {
	Reference
	endpoint Endpoint
	fleet    string
}

// Find returns access to a cluster through an endpoint. With Auto it chooses one, by the
// rule in docs/google.md. For ConnectGateway, fleet is the project of the
// cluster's fleet; if it is empty, it is the cluster's own. Find sends at most two requests,
// except to explain why it fails. The error is a *NotFoundError, *NotReadyError or
// *EndpointError, or one of package google.
func (f *Finder) Find(ctx context.Context, ref Reference, endpoint Endpoint, fleet string) (*Access, error) {
	if err := ref.Check(); err != nil {
		return nil, err
	}
	if fleet == "" {
		fleet = ref.Project
	} else if !projectName.MatchString(fleet) {
		return nil, fmt.Errorf("%q is not the id of a project", fleet)
	}
	asked := query{ref, endpoint, fleet}
	if asked.endpoint == ConnectGateway {
		return f.throughFleet(ctx, asked)
	}
	var c cluster
	path := "v1/" + asked.Reference.String()
	if err := f.container().Get(ctx, path, nil, &c); err != nil {
		return nil, f.missing(ctx, asked.Reference, err)
	}
	if err := c.ready(asked.Reference); err != nil {
		return nil, err
	}
	var refused error
	for _, one := range c.choices(asked.endpoint) {
		access := &Access{Name: asked.Context(), Endpoint: one.endpoint, Why: one.why, Version: c.Version}
		var err error
		access.Config, err = f.config(ctx, asked.Reference, &c, one)
		denied, disabled, lost := new(google.PermissionError), new(google.DisabledError), new(google.UnreachableError)
		switch {
		case err == nil:
			return access, nil
		case errors.As(err, &denied), errors.As(err, &disabled), errors.As(err, &lost): // of the gateway, so another endpoint may do
			refused = err
		default:
			return nil, err
		}
	}
	if refused != nil {
		return nil, refused
	}
	return nil, c.lacks(asked.Reference, asked.endpoint)
}

// config returns the configuration for an endpoint of a cluster.
func (f *Finder) config(ctx context.Context, ref Reference, c *cluster, one choice) (*rest.Config, error) {
	switch one.endpoint {
	case ConnectGateway:
		return f.gateway(ctx, ref, one.address)
	case DNS:
		return f.client(ref, "https://"+one.address, f.Roots, DNS)
	}
	authority, err := base64.StdEncoding.DecodeString(c.Auth.Authority)
	if block, _ := pem.Decode(authority); err != nil || block == nil {
		return nil, fmt.Errorf("%s comes without a certificate authority, without which its endpoint cannot be trusted: use the DNS-based endpoint", ref)
	}
	return f.client(ref, "https://"+one.address, authority, one.endpoint)
}

// client returns a configuration whose requests have tokens.
func (f *Finder) client(ref Reference, address string, authority []byte, endpoint Endpoint) (*rest.Config, error) {
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "https" || at.Host == "" {
		return nil, fmt.Errorf("the %s endpoint of %s has no valid address", endpoint, ref)
	}
	config := &rest.Config{Host: address, TLSClientConfig: rest.TLSClientConfig{CAData: authority}}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &explaining{f.Credentials.Transport(next, at.Host), f.Credentials, ref, endpoint}
	})
	return config, nil
}

// container returns the client for GKE.
func (f *Finder) container() *google.Client {
	return f.Credentials.Client(f.Credentials.Endpoints().Container)
}
