package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/runs"
)

// ArtifactsOptions are the options of Artifacts.
type ArtifactsOptions struct {
	// Run is as in RunOptions.
	Run string `arg:"RUN" complete:"run"`
	// Dir is the directory to download the files to. If it is empty, the files are listed.
	Dir string `arg:"[DIR]" help:"download the files into this directory"`
	// LastSucceeded selects the job's newest run that succeeded.
	LastSucceeded bool `flag:"last-succeeded" help:"take the job's newest run that succeeded"`
}

// Artifacts lists a run's files, or downloads them into o.Dir if it is not empty. Files from
// an earlier download of the same run are not downloaded again once the run has ended. Other
// files with the same names are replaced, and all other files are left alone. A file gets
// its name only when it is complete.
func Artifacts(ctx context.Context, env *Env, o ArtifactsOptions) (*Result, error) {
	return withRead(ctx, env, "artifacts", o.Run, o.LastSucceeded, func(to *platform.Platform, r *polyaxon.Run, result *Result) (err error) {
		directory := ""
		if o.Dir != "" {
			directory = to.ResolvePath(o.Dir)
		}
		result.Artifacts, err = runs.Artifacts(ctx, to, r, directory)
		if err == nil && directory != "" {
			to.Report(runs.DownloadEvent(r.UUID, result.Artifacts, directory))
		}
		return err
	})
}
