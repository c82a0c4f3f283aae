package gke

import "strings"

// cluster is what slipway reads of a cluster. See
// cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.
type cluster struct {
	Name     string `json:"name"`
	Location string `json:"location"`
	Status   string `json:"status"`
	// StatusMessage explains the status. Conditions replace it.
	StatusMessage string `json:"statusMessage"`
	Conditions    []struct {
		Message string `json:"message"`
	} `json:"conditions"`
	Version string `json:"currentMasterVersion"`
	// Endpoint is the address that clients use by default: the public one, the private one of
	// a cluster without, or the DNS name of a cluster without both.
	Endpoint string `json:"endpoint"`
	Auth     struct {
		Authority string `json:"clusterCaCertificate"`
	} `json:"masterAuth"`
	Endpoints struct {
		DNS struct {
			Name  string `json:"endpoint"`
			Allow bool   `json:"allowExternalTraffic"`
		} `json:"dnsEndpointConfig"`
		IP *struct {
			Enabled    bool     `json:"enabled"`
			UsePublic  bool     `json:"enablePublicEndpoint"`
			Public     string   `json:"publicEndpoint"`
			Private    string   `json:"privateEndpoint"`
			Authorized networks `json:"authorizedNetworksConfig"`
		} `json:"ipEndpointsConfig"`
	} `json:"controlPlaneEndpointsConfig"`
	// PrivateCluster and Authorized are the older form of Endpoints.IP.
	PrivateCluster struct {
		OnlyPrivate bool   `json:"enablePrivateEndpoint"`
		Private     string `json:"privateEndpoint"`
		Public      string `json:"publicEndpoint"`
	} `json:"privateClusterConfig"`
	Authorized networks `json:"masterAuthorizedNetworksConfig"`
	Fleet      struct {
		Membership string `json:"membership"`
	} `json:"fleet"`
}

// networks are the networks that may reach the addresses of a control plane.
type networks struct {
	Enabled bool `json:"enabled"`
}

// dns returns the DNS name of the control plane, or "" if it is not open to clients outside
// of Google.
func (c *cluster) dns() string {
	if !c.Endpoints.DNS.Allow {
		return ""
	}
	return c.Endpoints.DNS.Name
}

// public returns the public address of the control plane, or "" if it has none. limited
// reports whether only some networks may reach it.
func (c *cluster) public() (address string, limited bool) {
	if ip := c.Endpoints.IP; ip != nil {
		if !ip.Enabled || !ip.UsePublic {
			return "", false
		}
		return ip.Public, ip.Authorized.Enabled || c.Authorized.Enabled
	}
	switch p := c.PrivateCluster; {
	case p.OnlyPrivate:
		return "", false
	case p.Public != "":
		return p.Public, c.Authorized.Enabled
	}
	return c.Endpoint, c.Authorized.Enabled
}

// private returns the private address of the control plane, or "" if it has none.
func (c *cluster) private() string {
	if ip := c.Endpoints.IP; ip != nil {
		if !ip.Enabled {
			return ""
		}
		return ip.Private
	}
	return c.PrivateCluster.Private
}

// membership returns the cluster's membership of a fleet, such as
// projects/1/locations/global/memberships/ml, or "" if it has none.
func (c *cluster) membership() string {
	return strings.TrimPrefix(c.Fleet.Membership, "//gkehub.googleapis.com/")
}

// why explains the status.
func (c *cluster) why() string {
	for _, condition := range c.Conditions {
		if condition.Message != "" {
			return condition.Message
		}
	}
	return c.StatusMessage
}
