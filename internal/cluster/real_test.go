package cluster_test

import (
	"testing"

	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/testbed"
)

func TestRealKubernetes(t *testing.T) { clustertest.Contract(t, testbed.Kubernetes(t)) }
