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
	if p.isOwn(ctx, r) {
		return nil
	}
	return p.checkPullRequest(ctx, "issue_comment", r, e.Issue.Number)
}

// checkDispatch is checkForeignCode for a workflow that a program starts. What the event has is up to that program.
// Two signs tell of a pull request: it is in the event, as commands in comments send it, or the commit was fetched
// as one. Without them, the commit may be of a tag, or of another repository that this one deploys.
func (p *Project) checkDispatch(ctx context.Context, e event) error {
	r := p.Revision()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if p.isOwn(ctx, r) {
		return nil
	}
	sent := e.ClientPayload.PullRequest
	switch number := revision.PullRequest(ctx, p.Config.Dir, p.Environ, r.Commit); {
	case sent != nil && sent.Head.Repo != sent.Base.Repo:
		return refusal("repository_dispatch", r, ofFork(sent.Head.Repo), pushReviewed)
	case number > 0:
		return p.checkPullRequest(ctx, "repository_dispatch", r, number)
	}
	return nil
}

// pushReviewed is what to do with a pull request of a fork.
const pushReviewed = "push its commits to a branch of this repository once they are reviewed"

func ofFork(of named) string { return "for a pull request of " + of.fork() }

// isOwn reports whether a commit, as it was committed, is the one that GitHub runs the workflow for, or is on a branch
// of the repository.
func (p *Project) isOwn(ctx context.Context, r revision.Revision) bool {
	trusted, _ := p.Lookup("GITHUB_SHA")
	return r.Commit != "" && !r.Modified && (r.Commit == trusted || p.onOwnBranch(ctx, r))
}

// checkPullRequest returns an *exit.UsageError unless GitHub says that a pull request, which is checked out, is one of
// a branch of the repository.
func (p *Project) checkPullRequest(ctx context.Context, event string, r revision.Revision, number int) error {
	whose, advice := "whose code may be that of a fork", "check out a branch of this repository by its name, or give the step the variable GITHUB_TOKEN, and the job permissions: {pull-requests: read}, so that GitHub can be asked"
	state, err := p.askPullRequest(ctx, number)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && !state.Foreign:
		return nil
	case err == nil:
		whose, advice = ofFork(named{state.From}), pushReviewed
	default:
		advice += " (" + err.Error() + ")"
	}
	return refusal(event, r, whose, advice)
}

func refusal(event string, r revision.Revision, whose, advice string) error {
	return exit.Usagef("a workflow on %s has the secrets of the repository: slipway does not use them with %s, %s; %s", event, checkedOut(r), whose, advice)
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
