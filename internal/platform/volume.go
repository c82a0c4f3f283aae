package platform

import (
	"context"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// OpenVolume says where a place in the persistent volume is. It starts the sandbox if that has the volume
// and is not running. at are the keys of slipway.yaml that name the place, if any do.
func (to *Platform) OpenVolume(ctx context.Context, place *transfer.Place, at ...string) error {
	if !to.Embedded {
		return &source.Error{Position: to.Config.At(at...), Message: place.Text + ": slipway cannot copy files to the volume of a cluster",
			Hint: "copy them to a bucket, which jobs can read"}
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
