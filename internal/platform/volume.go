package platform

import (
	"context"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// NoVolume is the error for a place in a volume that is not the sandbox's. at are the keys of slipway.yaml
// that name the place, if any do.
func NoVolume(p *project.Project, place transfer.Place, at ...string) *source.Error {
	return &source.Error{Position: p.Config.At(at...), Message: place.Text + ": slipway cannot copy files to the volume of a cluster, only to that of the sandbox",
		Hint: "copy them to a bucket, which jobs can read"}
}

// OpenVolume says where a place in the persistent volume is. It starts the sandbox if that has the volume
// and is not running. at are the keys of slipway.yaml that name the place, if any do.
func (to *Platform) OpenVolume(ctx context.Context, place *transfer.Place, at ...string) error {
	if !to.Embedded {
		return NoVolume(to.Project, *place, at...)
	}
	if to.Sandbox == nil {
		joined, err := to.StartSandbox(ctx)
		if err != nil {
			return err
		}
		to.Sandbox = joined
	}
	var err error
	place.Volume, err = to.Sandbox.MakeVolume()
	return err
}
