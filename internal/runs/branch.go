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
// or that nothing has checked, is none: it would lower what the next one is compared with. add may be nil. It
// returns a *ShallowError if there is none, and the checkout cannot tell of a run from elsewhere.
func OnBranch(ctx context.Context, to *platform.Platform, job string, base project.Base, uuid string, add AddMLflow) (*report.Base, error) {
	runs, _, err := succeeded(ctx, to, job, pageSize)
	if err != nil {
		return nil, err
	}
	untold := false
	for i := range runs {
		r := &runs[i]
		if r.UUID == uuid || !isOf(r, job) || !mayPass(r) {
			continue
		}
		ref, _ := r.MetaInfo[project.MetaRef].(string)
		if ref != "refs/heads/"+base.Branch && !revision.IsAncestor(ctx, to.Config.Dir, to.Environ, CommitOf(r), base.Commit) {
			untold = untold || ref == "" && CommitOf(r) != "" // no workflow submitted it
			continue
		}
		outcome, err := run.Summarize(ctx, to.Polyaxon, to.RunTarget(r), nil)
		if err != nil {
			return nil, err
		}
		one := ReportOutcome(outcome)
		add.To(ctx, job, &one)
		return &report.Base{Branch: base.Branch, UUID: r.UUID, Metrics: one.Metrics, Unread: one.Unread}, nil
	}
	if untold && revision.IsShallow(ctx, to.Config.Dir, to.Environ) {
		gitLab, _ := to.Lookup("GITLAB_CI")
		return nil, &ShallowError{base.Branch, gitLab == "true"}
	}
	return nil, nil
}

// ShallowError says that no run is known to belong to a branch, and that this checkout lacks the
// history which may tell of one.
type ShallowError struct {
	Branch string
	// GitLab reports whether this is a job of GitLab, whose checkouts are always shallow.
	GitLab bool
}

// Error implements error.
func (e *ShallowError) Error() string {
	return "no run of " + e.Branch + " was found, and this checkout is shallow, so it does not tell which commits are part of " + e.Branch + " (" + e.Hint() + ")"
}

// Hint says what to do.
func (e *ShallowError) Hint() string {
	if e.GitLab {
		return "variables: {GIT_DEPTH: 0} fetches all"
	}
	return "with: {fetch-depth: 0} of actions/checkout fetches all"
}

// succeeded returns the newest runs of a job that succeeded, the newest first and at most limit, and how many
// there are.
func succeeded(ctx context.Context, to *platform.Platform, job string, limit int) (all []polyaxon.Run, count int, err error) {
	query := polyaxon.Query{Query: "name:" + job + ",status:" + string(polyaxon.Succeeded), Sort: "-created_at", Limit: pageSize}
	for len(all) < limit {
		var page []polyaxon.Run
		query.Offset = len(all)
		page, count, err = to.Polyaxon.Runs(ctx, to.Config.Project, query)
		if polyaxon.IsNotFound(err) {
			return nil, 0, nil
		}
		if err != nil {
			return nil, 0, err
		}
		if all = append(all, page...); len(page) == 0 || len(all) >= count {
			break
		}
	}
	return all[:min(len(all), limit)], count, nil
}
