package runs

import (
	"context"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Address returns the URL of a service's page to open first, or "" if the service is only
// reachable from inside the cluster.
func Address(ctx context.Context, to *platform.Platform, r *polyaxon.Run) (string, error) {
	if to.Gateway != nil {
		return "", nil
	}
	address, err := GatewayAddress(ctx, to, r)
	return FirstPage(address, r), err
}

// GatewayAddress returns the URL of a service at the sandbox or at the server's gateway,
// for clients that can reach that.
func GatewayAddress(ctx context.Context, to *platform.Platform, r *polyaxon.Run) (string, error) {
	if to.Embedded {
		if address, err := to.Sandbox.ServiceAddress(ctx, r.UUID); err == nil {
			return address, nil
		}
	}
	return to.Polyaxon.ServiceURL(ctx, r, to.RunNamespace)
}

// FirstPage returns the URL of the page of a service that users open first. address is the
// URL of the service.
func FirstPage(address string, r *polyaxon.Run) string {
	at, err := url.Parse(address)
	if err != nil || r.Service().Page == "" {
		return address
	}
	at.Path = strings.TrimSuffix(at.Path, "/") + "/" + strings.TrimPrefix(r.Service().Page, "/")
	return at.String()
}
