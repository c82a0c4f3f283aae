package gke

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// membership is what slipway reads of a membership of a fleet. See
// cloud.google.com/kubernetes-engine/fleet-management/docs/reference/rest/v1/projects.locations.memberships.
type membership struct {
	Name  string `json:"name"`
	State struct {
		Code string `json:"code"`
	} `json:"state"`
	Endpoint struct {
		GKE struct {
			Link    string `json:"resourceLink"`
			Missing bool   `json:"clusterMissing"`
		} `json:"gkeCluster"`
	} `json:"endpoint"`
}

// throughFleet returns access through the connect gateway. It finds the membership in the
// fleet, so that it needs no permission of GKE.
func (f *Finder) throughFleet(ctx context.Context, asked query) (*Access, error) {
	link := "//container.googleapis.com/" + asked.Reference.String()
	var list struct {
		Resources []membership `json:"resources"`
	}
	err := f.Credentials.Client(f.Credentials.Endpoints().GKEHub).Get(ctx, "v1/projects/"+asked.fleet+"/locations/-/memberships",
		url.Values{"filter": {fmt.Sprintf("endpoint.gkeCluster.resourceLink=%q", link)}}, &list)
	switch {
	case err != nil:
		return nil, err
	case len(list.Resources) == 0:
		return nil, &NoMembershipError{Cluster: asked.Reference, Fleet: asked.fleet}
	}
	member := list.Resources[0]
	switch {
	case member.Endpoint.GKE.Missing:
		return nil, &NotFoundError{Cluster: asked.Reference}
	case member.State.Code == "CREATING", member.State.Code == "DELETING":
		return nil, &NotReadyError{Cluster: asked.Reference, Status: member.State.Code, Detail: "its membership of the fleet"}
	}
	config, err := f.gateway(ctx, asked.Reference, member.Name)
	if err != nil {
		return nil, err
	}
	return &Access{Config: config, Name: asked.Context(), Endpoint: ConnectGateway, Why: "it was asked for"}, nil
}

// membershipName matches the name of a membership, and its location.
var membershipName = lazyregexp.New(`^projects/[a-z0-9][a-z0-9.:-]*/locations/(global|[a-z]+-[a-z]+[0-9]+)/memberships/[a-z0-9][a-z0-9.-]*$`)

// gateway asks the connect gateway for the address of a member. The memberships of a region
// are served by the gateway of that region. See the proto definition of
// google.cloud.gkeconnect.gateway.v1.GatewayControl.
func (f *Finder) gateway(ctx context.Context, ref Reference, member string) (*rest.Config, error) {
	base := f.Credentials.Endpoints().ConnectGateway
	parts := membershipName.FindStringSubmatch(member)
	if parts == nil {
		return nil, fmt.Errorf("%s has a membership of a fleet without a valid name", ref)
	}
	if location := parts[1]; location != "global" { // it becomes a part of the host
		base = strings.Replace(base, "://connectgateway.", "://"+location+"-connectgateway.", 1)
	}
	var made struct {
		Endpoint string `json:"endpoint"`
	}
	if err := f.Credentials.Client(base).Get(ctx, "v1/"+member+":generateCredentials", nil, &made); err != nil {
		return nil, err
	}
	if !strings.Contains(made.Endpoint, "://") {
		made.Endpoint = "https://" + made.Endpoint
	}
	at, err := url.Parse(made.Endpoint)
	from, err2 := url.Parse(base)
	if err != nil || err2 != nil || !sameService(at.Hostname(), from.Hostname()) {
		return nil, fmt.Errorf("the connect gateway of %s names another host, which must not get a token", ref)
	}
	return f.client(ref, made.Endpoint, f.Roots, ConnectGateway)
}

// sameService reports whether a host is that of the gateway that named it, or one of Google's
// gateways.
func sameService(host, from string) bool {
	return host == from || host == "connectgateway.googleapis.com" || strings.HasSuffix(host, "-connectgateway.googleapis.com")
}
