package tasks

import (
	"context"
	"strings"

	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// ArtifactsOptions are the options of Artifacts.
type ArtifactsOptions struct {
	// Run is as in RunOptions.
	Run string `arg:"RUN" complete:"run"`
	// Dir is the directory to download the files to. If it is empty, the files are listed.
	Dir string `arg:"[DIR]" help:"download the files into this directory"`
	// Latest selects the newest run of the job Run that succeeded and met what the job requires.
	Latest bool `flag:"latest" help:"take the job's newest run that succeeded and met what the job requires"`
	// LastSucceeded selects the job's newest run that succeeded.
	LastSucceeded bool `flag:"last-succeeded" help:"take the job's newest run that succeeded"`
}

// Artifacts lists a run's files, or downloads them into o.Dir if it is not empty. What was copied
// to the bucket of slipway.yaml comes from there, also if Polyaxon has deleted the run. Files from
// an earlier download of the same run are not downloaded again once the run has ended. Other
// files with the same names are replaced, and all other files are left alone. A file gets
// its name only when it is complete.
func Artifacts(ctx context.Context, env *Env, o ArtifactsOptions) (*Result, error) {
	switch {
	case strings.TrimSpace(o.Run) == "":
		return nil, errNoRun
	case o.Latest && o.LastSucceeded:
		return nil, exit.Usagef("--latest and --last-succeeded cannot be used together: --latest also takes what the job requires into account")
	}
	to, err := env.connect(ctx)
	if err != nil {
		return nil, err
	}
	result := to.Result("artifacts")
	left, err := runs.FindLeft(ctx, to, o.Run, o.Latest, o.LastSucceeded)
	if err != nil {
		return result, exit.IfInterruptedWith(ctx, err, "")
	}
	directory := ""
	if o.Dir != "" {
		directory = to.ResolvePath(o.Dir)
	}
	result.Artifacts, err = left.Artifacts(ctx, to, directory)
	if err != nil {
		return result, exit.IfInterruptedWith(ctx, err, "")
	}
	if directory != "" {
		to.Report(runs.DownloadEvent(left.UUID(), result.Artifacts, directory))
	}
	return result, nil
}
