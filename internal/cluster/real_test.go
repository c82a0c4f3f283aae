package cluster_test

import (
	"testing"

	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRealKubernetes runs the contract, the scripts of kubectl, and routes to pods against
// the real API server.
func TestRealKubernetes(t *testing.T) {
	access := testenv.Kubernetes(t)
	clustertest.Contract(t, access)
	checkOpenAPI(t, access)
	routes(t, access)
	streamsOfARole(t, access)
	if testenv.Thorough() { // the sandbox runs them every time
		clustertest.Kubectl(t, access)
	}
}
