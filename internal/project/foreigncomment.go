package project

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/github"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// askTime bounds the question to GitHub whose a pull request is.
const askTime = 20 * time.Second

// checkComment is checkForeignCode for a comment. Anybody may comment on a pull request, and who
// answers it with a checkout of the head runs what a fork may have written, with the secrets. A commit
// is trusted if GitHub runs the workflow for it, or if a branch of this repository has it, and any
// checkout if GitHub says that the pull request is one of such a branch.
func (p *Project) checkComment(ctx context.Context, e event, known bool) error {
	if known && e.Issue.PullRequest == nil {
		return nil
	}
	r := p.Revision()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if trusted, _ := p.Lookup("GITHUB_SHA"); r.Commit != "" && !r.Modified && (r.Commit == trusted || p.onOwnBranch(ctx, r)) {
		return nil
	}
	whose, advice := "whose code may be that of a fork", "check out a branch of this repository by its name, or give the step the variable GITHUB_TOKEN, and the job permissions: {pull-requests: read}, so that GitHub can be asked"
	state, err := p.askPullRequest(ctx, e.Issue.Number)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && !state.Foreign:
		return nil
	case err == nil:
		whose, advice = "for a pull request of "+named{state.From}.fork(), "push its commits to a branch of this repository once they are reviewed"
	default:
		advice += " (" + err.Error() + ")"
	}
	return exit.Usagef("a workflow on issue_comment has the secrets of the repository: slipway does not use them with %s, %s; %s", checkedOut(r), whose, advice)
}

// onOwnBranch reports whether a commit was fetched with a branch of the repository that the workflow
// belongs to.
func (p *Project) onOwnBranch(ctx context.Context, r revision.Revision) bool {
	server, _ := p.Lookup("GITHUB_SERVER_URL")
	repository, _ := p.Lookup("GITHUB_REPOSITORY")
	return repository != "" && strings.EqualFold(r.Source, server+"/"+repository) && revision.OnBranchOfOrigin(ctx, p.Config.Dir, p.Environ, r.Commit)
}

// askPullRequest asks GitHub for a pull request, with the token of the workflow if it has one.
func (p *Project) askPullRequest(ctx context.Context, number int) (github.State, error) {
	get := func(name string) string { value, _ := p.Lookup(name); return value }
	limited, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	from := &github.Client{URL: cmp.Or(get("GITHUB_API_URL"), "https://api.github.com"), Token: secret.NewValue([]byte(get("GITHUB_TOKEN"))), Transport: p.Transport}
	return from.State(limited, github.PullRequest{Repository: get("GITHUB_REPOSITORY"), Number: number})
}
