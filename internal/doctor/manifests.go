package doctor

import (
	"context"

	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/printer"
)

// lookAtManifests reads the manifests, with their variables. What only the cluster knows of them,
// plan says.
func lookAtManifests(_ context.Context, v *visit, f *findings) {
	objects, err := manifest.Read(v.Config, platform.New(v.Project).RunNamespace, v.Lookup)
	if err != nil {
		f.fail("files", err, "")
		return
	}
	f.ok("files", "%s can be read", printer.Count(len(objects), "object"))
}
