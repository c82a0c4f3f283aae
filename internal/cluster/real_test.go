package cluster_test

import (
	"testing"

	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRealKubernetes runs the contract, and the scripts of kubectl, against the real API
// server.
func TestRealKubernetes(t *testing.T) {
	access := testenv.Kubernetes(t)
	clustertest.Contract(t, access)
	checkOpenAPI(t, access)
	if testenv.Thorough() { // the sandbox runs them every time
		clustertest.Kubectl(t, access)
	}
}
