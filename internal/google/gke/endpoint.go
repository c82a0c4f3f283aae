package gke

import (
	"fmt"
	"slices"
	"strings"
)

// Endpoint is a way to a cluster's control plane.
type Endpoint string

// The endpoints. Auto chooses one.
const (
	Auto           Endpoint = "auto"
	DNS            Endpoint = "dns"
	Public         Endpoint = "public"
	Private        Endpoint = "private"
	ConnectGateway Endpoint = "fleet"
)

// choice is an endpoint, why it was chosen, and its address. The address of a gateway is
// asked for later.
type choice struct {
	endpoint Endpoint
	why      string
	address  string
}

// choices returns the endpoints of a cluster in the order of the rule:
//
//  1. the DNS-based endpoint, if it allows traffic from outside: any network reaches it, and
//     IAM decides who may
//  2. the public address, if no list of authorized networks limits it
//  3. the connect gateway, if the cluster is a member of a fleet
//  4. the public address with authorized networks, which may have this machine's
//  5. the private address, which only the cluster's own network reaches
//
// If an endpoint is asked for, that is the only choice.
func (c *cluster) choices(asked Endpoint) []choice {
	public, limited := c.public()
	open, listed := public, ""
	if limited {
		open, listed = "", public
	}
	all := []choice{
		{DNS, "its DNS-based endpoint allows external traffic", c.dns()},
		{Public, "its public endpoint is open to all networks", open},
		{ConnectGateway, "it is a member of a fleet, and its public endpoint is not open to all networks", c.membership()},
		{Public, "its public endpoint is open to authorized networks", listed},
		{Private, "it has only a private endpoint", c.private()},
	}
	return slices.DeleteFunc(all, func(one choice) bool {
		return one.address == "" || asked != Auto && one.endpoint != asked
	})
}

// EndpointError reports that a cluster does not have the endpoint that was asked for.
type EndpointError struct {
	Cluster Reference
	Asked   Endpoint
	// Has are the endpoints that the cluster has.
	Has []Endpoint
}

// Error implements error.
func (e *EndpointError) Error() string {
	if len(e.Has) == 0 {
		return fmt.Sprintf("%s has no endpoint that clients can use: enable its DNS-based endpoint, with external traffic allowed", e.Cluster)
	}
	var names []string
	for _, has := range e.Has {
		names = append(names, string(has))
	}
	hint := ""
	if e.Asked == DNS {
		hint = ", or allow external traffic on its DNS-based endpoint"
	}
	return fmt.Sprintf("%s has no endpoint %q that clients can use: use %s%s", e.Cluster, e.Asked, strings.Join(names, " or "), hint)
}

// lacks returns an *EndpointError.
func (c *cluster) lacks(ref Reference, asked Endpoint) error {
	e := &EndpointError{Cluster: ref, Asked: asked}
	for _, one := range c.choices(Auto) {
		if !slices.Contains(e.Has, one.endpoint) {
			e.Has = append(e.Has, one.endpoint)
		}
	}
	return e
}
