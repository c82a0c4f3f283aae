package cluster_test

import (
	"testing"

	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

func TestRealKubernetes(t *testing.T) { clustertest.Contract(t, testenv.Kubernetes(t)) }
