package runs

import (
	"context"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Address returns where a service answers, "" when only the cluster reaches it.
func Address(ctx context.Context, to *platform.Platform, r *polyaxon.Run) (string, error) {
	if to.Gateway != nil {
		return "", nil
	}
	address, err := GatewayAddress(ctx, to, r)
	return Opened(address, r), err
}

// GatewayAddress returns where a service answers, for those who reach the gateway.
func GatewayAddress(ctx context.Context, to *platform.Platform, r *polyaxon.Run) (string, error) {
	if to.Embedded {
		if address, err := to.Sandbox.ServiceAddress(ctx, r.UUID); err == nil {
			return address, nil
		}
	}
	return to.Polyaxon.ServiceURL(ctx, r, to.RunNamespace)
}

// Opened returns the page of a service at an address that people open first.
func Opened(address string, r *polyaxon.Run) string {
	at, err := url.Parse(address)
	if err != nil || r.Service().Page == "" {
		return address
	}
	at.Path = strings.TrimSuffix(at.Path, "/") + "/" + strings.TrimPrefix(r.Service().Page, "/")
	return at.String()
}
