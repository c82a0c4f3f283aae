package googletest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// link matches the only filter of memberships that slipway uses.
var link = lazyregexp.New(`^endpoint\.gkeCluster\.resourceLink="([^"]+)"$`)

// fleet serves the memberships of fleets, of
// cloud.google.com/kubernetes-engine/fleet-management/docs/reference/rest/v1/projects.locations.memberships.
// The refusal is that of rhesis-ai/rhesis#2337.
func (s *Server) fleet(w http.ResponseWriter, r *http.Request, path string) {
	parts := strings.Split(path, "/")
	if r.Method != http.MethodGet || len(parts) != 5 || parts[0] != "projects" || parts[2] != "locations" || parts[4] != "memberships" {
		http.NotFound(w, r)
		return
	}
	const permission = "gkehub.memberships.list"
	m := link.FindStringSubmatch(r.URL.Query().Get("filter"))
	switch {
	case s.denied[permission] || parts[1] != Project:
		refuse(w, http.StatusForbidden, "PERMISSION_DENIED", fmt.Sprintf("Permission '%s' denied on '%s'", permission, path))
	case m == nil:
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", "invalid list filter")
	default:
		found := []object{}
		for _, member := range s.members {
			endpoint, _ := member["endpoint"].(object)
			cluster, _ := endpoint["gkeCluster"].(object)
			if cluster["resourceLink"] == m[1] {
				found = append(found, member)
			}
		}
		answer(w, http.StatusOK, object{"resources": found})
	}
}

// gateway serves the connect gateway's control plane, of the proto definition of
// google.cloud.gkeconnect.gateway.v1.GatewayControl.
func (s *Server) gateway(w http.ResponseWriter, r *http.Request, path string) {
	name, ok := strings.CutSuffix(path, ":generateCredentials")
	if !ok || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	const permission = "gkehub.gateway.generateCredentials"
	if s.denied[permission] {
		denied(w, permission, name)
		return
	}
	for _, member := range s.members {
		if member["name"] == name {
			answer(w, http.StatusOK, object{"kubeconfig": "", "endpoint": s.gatewayBase + "/v1/" + strings.Replace(name, "/memberships/", "/gkeMemberships/", 1)})
			return
		}
	}
	refuse(w, http.StatusNotFound, "NOT_FOUND", "Resource '"+name+"' was not found")
}

// GatewayAt sets the address of the connect gateway, which has the paths of all members.
func (s *Server) GatewayAt(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gatewayBase = address
}
