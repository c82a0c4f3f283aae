package sandbox

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/polyaxon"
)

// Lacks says which resources the containers, running together, request that this machine
// will never have. It returns "" if the machine has enough of all.
func Lacks(containers ...corev1.Container) string { return polyaxon.Lacks(containers...) }

// EnforcesMemory reports whether a container that exceeds its memory limit is killed on
// this system.
func EnforcesMemory() bool { return container.EnforcesMemory() }
