package sandbox

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/polyaxon"
)

// Lacks says what containers that run together ask for and this machine will never
// have, "" when it has all.
func Lacks(containers ...corev1.Container) string { return polyaxon.Lacks(containers...) }

// EnforcesMemory tells whether a container that has more memory than its limit is
// killed on this system.
func EnforcesMemory() bool { return container.EnforcesMemory() }
