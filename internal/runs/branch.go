package runs

import (
	"context"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// OnBranch returns the newest run of a job that succeeded and belongs to the branch into which
// a pull request is merged, with its metrics: a workflow of the branch submitted it, or its
// commit is part of the branch. The run of uuid is left out. It looks at the newest 100 runs
// that succeeded, and returns nil if there is none. A run that does not meet what its job required,
// or that nothing has checked, is none: it would lower what the next one is compared with.
func OnBranch(ctx context.Context, to *platform.Platform, job string, base project.Base, uuid string) (*report.Base, error) {
	runs, err := succeeded(ctx, to, job)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		r := &runs[i]
		ref, _ := r.MetaInfo[project.MetaRef].(string)
		commit, _ := r.MetaInfo[project.MetaCommit].(string)
		if r.UUID == uuid || !mayPass(r) || ref != "refs/heads/"+base.Branch && !revision.IsAncestor(ctx, to.Config.Dir, to.Environ, commit, base.Commit) {
			continue
		}
		outcome, err := run.Summarize(ctx, to.Polyaxon, to.RunTarget(r), nil)
		if err != nil {
			return nil, err
		}
		return &report.Base{Branch: base.Branch, UUID: r.UUID, Metrics: outcome.Metrics}, nil
	}
	return nil, nil
}

// succeeded returns the newest 100 runs of a job that succeeded, the newest first.
func succeeded(ctx context.Context, to *platform.Platform, job string) ([]polyaxon.Run, error) {
	query := polyaxon.Query{Query: "name:" + job + ",status:" + string(polyaxon.Succeeded), Sort: "-created_at", Limit: pageSize}
	found, _, err := to.Polyaxon.Runs(ctx, to.Config.Project, query)
	if polyaxon.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}
