package deploy

import (
	"context"
	"slices"

	"github.com/slipway-ci/slipway/internal/artifact"
)

// connectArtifacts connects the bucket that the artifacts of the jobs are copied to, and returns an error if
// it does not exist or may not be written.
func (d *Deployment) connectArtifacts(ctx context.Context) (err error) {
	if d.Runs.Detach || !slices.ContainsFunc(d.Jobs, artifact.Wanted) {
		return nil
	}
	if d.artifacts, err = artifact.Open(ctx, d.Platform); err != nil || d.artifacts == nil {
		return err
	}
	return d.artifacts.Check(ctx)
}
