package tasks

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Restart makes a new run of a run's operation, as it was, and does not wait for it.
// It counts for the same inputs: deploy takes its success for theirs.
func Restart(ctx context.Context, env *Env, o RunOptions) (*Result, error) {
	return withRun(ctx, env, "restart", o.Run, func(to *platform.Platform, r *polyaxon.Run, result *report.Result) error {
		meta := to.Origin().Meta
		if key, ok := r.MetaInfo[run.MetaKey]; ok {
			meta[run.MetaKey], meta[run.MetaRerun] = key, "yes"
		}
		made, err := to.Polyaxon.Restart(ctx, to.Config.Project, r.UUID, polyaxon.CreateRun{MetaInfo: meta})
		if err != nil {
			const unknown = "whether the new run was made is unknown, and slipway runs tells"
			if !polyaxon.Refused(err) {
				err = fmt.Errorf("%w; %s", err, unknown)
			}
			return exit.Unsure(ctx, fmt.Errorf("restart run %s: %w", r.UUID, err), unknown)
		}
		return noted(ctx, to, "restart", made.UUID, result)
	})
}

// Resume runs a run that has ended again, under its id and with what it has written.
func Resume(ctx context.Context, env *Env, o RunOptions) (*Result, error) {
	return withRun(ctx, env, "resume", o.Run, func(to *platform.Platform, r *polyaxon.Run, result *report.Result) error {
		if !r.Status.Terminal() {
			return exit.Usagef("run %s is %s: a run is resumed when it has ended", r.UUID, r.Status)
		}
		if _, err := to.Polyaxon.Resume(ctx, to.Config.Project, r.UUID); err != nil {
			return exit.Unsure(ctx, fmt.Errorf("resume run %s: %w", r.UUID, err), "whether run "+r.UUID+" goes on is unknown, and slipway status "+r.UUID+" tells")
		}
		return noted(ctx, to, "resume", r.UUID, result)
	})
}

// approvals is how many a run needs at most.
const approvals = 2

// Approve lets a run go on that waits for approval, and sees that it does.
func Approve(ctx context.Context, env *Env, o RunOptions) (*Result, error) {
	return withRun(ctx, env, "approve", o.Run, func(to *platform.Platform, r *polyaxon.Run, result *report.Result) error {
		if r.Pending == "" {
			return exit.Usagef("run %s is %s and waits for no approval", r.UUID, r.Status)
		}
		// Servers of 2.x only compile at the first approval what an operation has approved.
		for n := 0; n < approvals; n++ {
			if err := to.Polyaxon.Approve(ctx, to.Config.Project, r.UUID); err != nil {
				return exit.Unsure(ctx, fmt.Errorf("approve run %s: %w", r.UUID, err), "whether run "+r.UUID+" was approved is unknown, and slipway status "+r.UUID+" tells")
			}
			now, err := to.Polyaxon.Run(ctx, to.Config.Project, r.UUID)
			if err != nil {
				return fmt.Errorf("ask for run %s: %w", r.UUID, err)
			}
			if now.Pending == "" || now.Status.Terminal() {
				break
			}
		}
		return noted(ctx, to, "approve", r.UUID, result)
	})
}

// noted reports what a run is now.
func noted(ctx context.Context, to *platform.Platform, step, uuid string, result *report.Result) error {
	now, err := to.Polyaxon.Run(ctx, to.Config.Project, uuid)
	if err != nil {
		return fmt.Errorf("ask for run %s: %w", uuid, err)
	}
	to.Event(report.Done, step, now.Name, fmt.Sprintf("run %s is %s; follow it with: slipway follow %s", uuid, now.Status, uuid))
	result.Jobs = []report.Job{{Name: now.Name, Run: runs.Report(now)}}
	return nil
}
