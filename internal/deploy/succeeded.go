package deploy

import (
	"context"
	"slices"

	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	runsof "github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/report"
)

// withoutSucceeded returns wanted without the jobs that have succeeded with the same inputs,
// which a deploy does not submit again. To know that takes planning the images, so it is done
// only for jobs that something was found against, or for all of them, and that have succeeded
// at all. What cannot be planned counts as not succeeded.
func (d *Deployment) withoutSucceeded(ctx context.Context, wanted []*demand, all bool) ([]*demand, error) {
	if d.Runs.Rerun {
		return wanted, nil
	}
	worth := false
	for _, w := range wanted {
		if worth || !all && len(w.errs)+len(w.notes) == 0 {
			continue
		}
		last, err := runsof.Last(ctx, d.Platform, w.job.Name, polyaxon.Succeeded)
		worth = err == nil && last != nil
	}
	if !worth {
		return wanted, ctx.Err()
	}
	asked := d.asksPolyaxon
	d.asksPolyaxon = true
	defer func() { d.asksPolyaxon = asked }()
	if _, err := (images{d}).Plan(ctx, &report.Result{}); err != nil {
		return wanted, ctx.Err()
	}
	planned, err := runs{d}.plan(ctx)
	if err != nil {
		return wanted, ctx.Err()
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(w *demand) bool {
		return slices.ContainsFunc(planned, func(j pipeline.Planned) bool { return j.Name == w.job.Name && j.Action == pipeline.UpToDate })
	}), nil
}
