package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/report"
)

// ArtifactsOptions say which files of a run are wanted.
type ArtifactsOptions struct {
	// Run is as in RunOptions.
	Run string `arg:"RUN" complete:"run"`
	// Dir, when it is not empty, is where the files are downloaded to.
	Dir string `arg:"[DIR]" help:"download the files into this directory"`
	// LastSucceeded takes, of a job's runs, the newest that succeeded.
	LastSucceeded bool `flag:"last-succeeded" help:"take the job's newest run that succeeded"`
}

// Artifacts lists a run's files, or downloads them into o.Dir when it is not
// empty. Files that are there from an earlier download of the same run, once it
// has ended, are not downloaded again; others of their names are replaced, and all
// else is left alone. A file gets its name when it is complete.
func Artifacts(ctx context.Context, env *Env, o ArtifactsOptions) (*Result, error) {
	return withRead(ctx, env, "artifacts", o.Run, o.LastSucceeded, func(to *platform.Platform, r *polyaxon.Run, result *Result) (err error) {
		directory := ""
		if o.Dir != "" {
			directory = to.Within(o.Dir)
		}
		result.Artifacts, err = runs.Artifacts(ctx, to, r, directory)
		if err == nil && directory != "" {
			to.Event(report.Done, "download", r.UUID, runs.Saved(result.Artifacts, directory))
		}
		return err
	})
}
