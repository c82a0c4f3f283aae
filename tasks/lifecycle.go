package tasks

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Restart submits a new run with the same operation as an existing run, and does not wait
// for it. The new run counts as a run with the same inputs: if it succeeds, a later deploy
// uses its success.
func Restart(ctx context.Context, env *Env, o RunOptions) (*Result, error) {
	return withRun(ctx, env, "restart", o.Run, func(to *platform.Platform, r *polyaxon.Run, result *report.Result) error {
		made, err := to.Restart(ctx, r)
		if err != nil {
			return err
		}
		return noteState(ctx, to, "restart", made.UUID, result)
	})
}

// Resume runs a run again that has ended, with the same id and its previous outputs.
func Resume(ctx context.Context, env *Env, o RunOptions) (*Result, error) {
	return withRun(ctx, env, "resume", o.Run, func(to *platform.Platform, r *polyaxon.Run, result *report.Result) error {
		if !r.Status.Terminal() {
			return exit.Usagef("run %s is %s: only a run that has ended can be resumed", r.UUID, r.Status)
		}
		if _, err := to.Polyaxon.Resume(ctx, to.Config.Project, r.UUID); err != nil {
			return exit.IfInterruptedWith(ctx, fmt.Errorf("resume run %s: %w", r.UUID, err), "whether run "+r.UUID+" was resumed is unknown; check it with slipway status "+r.UUID)
		}
		return noteState(ctx, to, "resume", r.UUID, result)
	})
}

// maxApprovals is the maximum number of approvals that a run needs.
const maxApprovals = 2

// Approve approves a run that waits for approval, and checks that the run continues.
func Approve(ctx context.Context, env *Env, o RunOptions) (*Result, error) {
	return withRun(ctx, env, "approve", o.Run, func(to *platform.Platform, r *polyaxon.Run, result *report.Result) error {
		if r.Pending == "" {
			return exit.Usagef("run %s is %s and does not wait for approval", r.UUID, r.Status)
		}
		// On servers of 2.x, the first approval only lets an operation with approval compile.
		for n := 0; n < maxApprovals; n++ {
			if err := to.Polyaxon.Approve(ctx, to.Config.Project, r.UUID); err != nil {
				return exit.IfInterruptedWith(ctx, fmt.Errorf("approve run %s: %w", r.UUID, err), "whether run "+r.UUID+" was approved is unknown; check it with slipway status "+r.UUID)
			}
			now, err := to.Polyaxon.Run(ctx, to.Config.Project, r.UUID)
			if err != nil {
				return fmt.Errorf("get run %s: %w", r.UUID, err)
			}
			if now.Pending == "" || now.Status.Terminal() {
				break
			}
		}
		return noteState(ctx, to, "approve", r.UUID, result)
	})
}

// noteState reports the current state of a run.
func noteState(ctx context.Context, to *platform.Platform, step, uuid string, result *report.Result) error {
	now, err := to.Polyaxon.Run(ctx, to.Config.Project, uuid)
	if err != nil {
		return fmt.Errorf("get run %s: %w", uuid, err)
	}
	to.Report(report.Event{
		Kind: report.Done, Step: step, Subject: now.Name, Run: uuid, Status: string(now.Status),
		Message: fmt.Sprintf("run %s is %s; follow it with: slipway follow %s", uuid, now.Status, uuid),
	})
	result.Jobs = []report.Job{{Name: now.Name, Run: runs.Report(now)}}
	return nil
}
