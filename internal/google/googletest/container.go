package googletest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Cluster is a cluster of GKE. Its control plane has the addresses that are not empty.
type Cluster struct {
	Location, Name string
	// Status is its state. "" means RUNNING, and Detail explains another.
	Status, Detail string
	// Authority is the certificate authority of its addresses, as PEM.
	Authority []byte
	// DNS is its DNS name, and ClosedDNS says that it allows no external traffic.
	DNS       string
	ClosedDNS bool
	// Public and Private are its addresses. Authorized says that only some networks reach the
	// public one.
	Public, Private string
	Authorized      bool
	// Membership is its membership of a fleet, such as
	// projects/123456789012/locations/global/memberships/ml.
	Membership string
	// Old leaves out what clusters of old versions of the API do not have.
	Old bool
}

// name returns the name of the cluster.
func (c Cluster) name() string {
	return fmt.Sprintf("projects/%s/locations/%s/clusters/%s", Project, c.Location, c.Name)
}

// AddCluster adds a cluster of Project, in the form of
// cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.
func (s *Server) AddCluster(c Cluster) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := c.Status
	if status == "" {
		status = "RUNNING"
	}
	endpoint := c.Public
	for _, other := range []string{c.Private, c.DNS} {
		if endpoint == "" {
			endpoint = other // as gke-labs/kube-agents#1806 found
		}
	}
	body := object{
		"name": c.Name, "location": c.Location, "status": status, "currentMasterVersion": "1.33.4-gke.1036000", "endpoint": endpoint,
		"selfLink":   "https://container.googleapis.com/v1/" + c.name(),
		"masterAuth": object{"clusterCaCertificate": base64.StdEncoding.EncodeToString(c.Authority)},
	}
	if c.Detail != "" {
		body["conditions"] = []object{{"canonicalCode": "UNKNOWN", "message": c.Detail}}
	}
	if c.Authorized {
		body["masterAuthorizedNetworksConfig"] = object{"enabled": true, "cidrBlocks": []object{{"cidrBlock": "192.0.2.0/24"}}}
	}
	if c.Private != "" {
		body["privateClusterConfig"] = object{"enablePrivateNodes": true, "enablePrivateEndpoint": c.Public == "", "privateEndpoint": c.Private, "publicEndpoint": c.Public}
	}
	if !c.Old {
		body["controlPlaneEndpointsConfig"] = object{
			"dnsEndpointConfig": object{"endpoint": c.DNS, "allowExternalTraffic": c.DNS != "" && !c.ClosedDNS},
			"ipEndpointsConfig": object{"enabled": c.Public != "" || c.Private != "", "enablePublicEndpoint": c.Public != "",
				"publicEndpoint": c.Public, "privateEndpoint": c.Private, "authorizedNetworksConfig": object{"enabled": c.Authorized}},
		}
	}
	if c.Membership != "" {
		body["fleet"] = object{"project": Project, "membership": "//gkehub.googleapis.com/" + c.Membership}
		s.members = append(s.members, object{
			"name": c.Membership, "state": object{"code": "READY"},
			"endpoint": object{"gkeCluster": object{"resourceLink": "//container.googleapis.com/" + c.name()}},
		})
	}
	s.clusters[c.name()] = body
}

// container serves GKE. The refusals are those of
// terraform-google-modules/terraform-google-kubernetes-engine#926 and sourcegraph/handbook#6308.
func (s *Server) container(w http.ResponseWriter, r *http.Request, path string) {
	parts := strings.Split(path, "/")
	if r.Method != http.MethodGet || len(parts) < 5 || len(parts) > 6 || parts[0] != "projects" || parts[2] != "locations" || parts[4] != "clusters" {
		http.NotFound(w, r)
		return
	}
	permission, on := "container.clusters.get", path
	if len(parts) == 5 {
		permission, on = "container.clusters.list", "projects/"+parts[1]
	}
	switch cluster := s.clusters[path]; {
	case parts[1] != Project, s.denied[permission]:
		refuse(w, http.StatusForbidden, "PERMISSION_DENIED", fmt.Sprintf("Required %q permission(s) for %q.", permission, on),
			info("IAM_PERMISSION_DENIED", "container.googleapis.com", "permission", permission))
	case len(parts) == 5:
		s.list(w, parts[3])
	case cluster == nil:
		refuse(w, http.StatusNotFound, "NOT_FOUND", "Not found: "+path+".")
	default:
		answer(w, http.StatusOK, cluster)
	}
}

// list answers with the clusters of a location, or of all of them if it is "-".
func (s *Server) list(w http.ResponseWriter, location string) {
	var names []string
	for name, cluster := range s.clusters {
		if location == "-" || cluster["location"] == location {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	all := []object{}
	for _, name := range names {
		all = append(all, s.clusters[name])
	}
	answer(w, http.StatusOK, object{"clusters": all})
}
