package project

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// checkForeignCode returns an *exit.UsageError if this workflow has the secrets of the repository
// and has checked out the code of a fork. The events pull_request_target and workflow_run come
// with secrets also for pull requests of forks, and the code of a fork may do anything with them:
// slipway.yaml names what is read and where it is sent, and builds run what the fork wrote. A
// commit is trusted if it is the one that GitHub runs the workflow for, which is the newest of
// the base branch, as it was committed: a patch, or an artifact of the workflow before, that is
// unpacked over its files is the fork's. Other commits are not compared with the head, as that may
// have moved on meanwhile. The events issue_comment and repository_dispatch come with secrets, too, and do
// not say whose the pull request is: see checkComment and checkDispatch.
func (p *Project) checkForeignCode(ctx context.Context) error {
	name, _ := p.Lookup("GITHUB_EVENT_NAME")
	switch name {
	case "pull_request_target", "workflow_run", "issue_comment", "repository_dispatch":
	default:
		return nil
	}
	e, known := readEvent(p.Lookup)
	head, base := e.PullRequest.Head.Repo, e.PullRequest.Base.Repo
	switch name {
	case "issue_comment":
		return p.checkComment(ctx, e, known)
	case "repository_dispatch":
		return p.checkDispatch(ctx, e)
	case "workflow_run":
		head, base = e.WorkflowRun.HeadRepository, e.Repository
	}
	if known && head == base && base.FullName != "" {
		return nil
	}
	from := "a pull request whose event cannot be read"
	if known {
		from = head.fork()
	}
	r := p.Revision()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	trusted, _ := p.Lookup("GITHUB_SHA")
	if r.Commit != "" && !r.Modified && (r.Commit == trusted || known && r.Commit == e.PullRequest.Base.SHA) {
		if !r.Clean {
			p.Event(report.Warning, "", "", fmt.Sprintf("a workflow on %s has the secrets of the repository, and it runs for %s: the checkout has more than the commit of the base branch (%s), "+
				"and nothing of that may come from the pull request", name, from, r.Reason))
		}
		return nil
	}
	return exit.Usagef("a workflow on %s has the secrets of the repository, and it runs for %s: slipway does not use them with %s, whose code may be that of the fork; "+
		"leave out ref: and repository: of the checkout, or use on: pull_request, where slipway does all that needs no secrets", name, from, checkedOut(r))
}

// checkedOut says what is checked out.
func checkedOut(r revision.Revision) string {
	if r.Commit == "" {
		return "a checkout without git"
	}
	commit := "the commit " + r.Commit[:min(12, len(r.Commit))]
	if r.Modified {
		commit += " with changes (" + r.Reason + ")"
	}
	return commit
}
