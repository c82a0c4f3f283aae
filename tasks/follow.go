package tasks

import (
	"context"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// FollowOptions are the options of Follow.
type FollowOptions struct {
	// Run is as in RunOptions.
	Run string `arg:"RUN" complete:"run"`
	// FailPending is how long the run may wait before it is stopped and the command ends with
	// ExitPending. Zero means no limit.
	FailPending time.Duration `flag:"fail-pending" help:"stop a run that does not start within this time, and exit with 7"`
	// Download is a directory to download the run's files to when it has ended, even if it
	// failed. Empty means no download.
	Download string `flag:"download" value:"DIR" help:"download the files of each run into DIR once it has ended, also when it failed"`
}

// Follow follows a run to its end. It works from any machine. It returns an error if the run
// did not succeed. If ctx is cancelled, the run is left running.
func Follow(ctx context.Context, env *Env, o FollowOptions) (*Result, error) {
	how := pipeline.Options{FailPending: o.FailPending, Download: o.Download}
	if err := how.Check(); err != nil {
		return nil, err
	}
	return withRun(ctx, env, "follow", o.Run, func(to *platform.Platform, r *polyaxon.Run, result *Result) error {
		j := &config.Job{Name: r.Name, OnCancel: config.OnCancelLeave}
		if j.Name == "" {
			j.Name = r.UUID
		}
		p := &pipeline.Pipeline{Platform: to, Options: how}
		ended, err := p.Follow(ctx, j, r)
		result.Jobs = []report.Job{{Name: j.Name, Run: ended.Run()}}
		return err
	})
}
