package status

import (
	"context"

	"github.com/slipway-ci/slipway/internal/platform"
)

// Needs returns the rights that slipway uses for this repository, with those for its
// manifests.
func Needs(ctx context.Context, to *platform.Platform) []platform.Need {
	v := &viewer{Platform: to}
	return append(v.Needs(), v.needsOfManifests(ctx)...)
}
