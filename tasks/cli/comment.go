package cli

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/slipway-ci/slipway/internal/github"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// commentTime bounds the writing of a comment. The command has ended by then.
const commentTime = time.Minute

// comment writes the result into the comment of the pull request that the workflow runs for. A
// comment that cannot be written is a warning, and does not change how the command ended.
func (a *App) comment(ctx context.Context, w *workflow, r *report.Result, transport http.RoundTripper) {
	p := project.ReadPullRequest(os.LookupEnv)
	switch {
	case !a.Comment || ctx.Err() != nil:
		return
	case p.Number == 0:
		w.note("no comment is written: this workflow is not for a pull request")
		return
	}
	token := os.Getenv("GITHUB_TOKEN")
	if token == "" {
		w.warn("no comment is written: GITHUB_TOKEN is not set (the action's input token, or env: {GITHUB_TOKEN: ${{ github.token }}})")
		return
	}
	a.open().secrets.Learn([]byte(token), true)
	limited, cancel := context.WithTimeout(ctx, commentTime)
	defer cancel()
	c := printer.Comment{Project: r.Project, Dir: w.commands.InRepository(a.Dir), Environment: r.Environment, Commit: p.Head, Workflow: project.WorkflowRun(os.LookupEnv), Limit: github.MaxComment}
	to := &github.Client{URL: cmp.Or(os.Getenv("GITHUB_API_URL"), "https://api.github.com"), Token: secret.NewValue([]byte(token)), Transport: transport}
	at := github.PullRequest{Repository: os.Getenv("GITHUB_REPOSITORY"), Number: p.Number}
	if now, err := to.State(limited, at); err == nil && p.Head != "" && now.Head != p.Head {
		w.note("no comment is written: the pull request has a newer commit than " + p.Head[:12] + ", for which this workflow runs")
		return
	} // a token that may not ask can still comment
	address, err := to.Comment(limited, at, c.Marker(), part{c, r, a.open().secrets.Mask})
	refused := new(github.Error)
	switch {
	case err == nil:
		w.note("the comment is written: " + cmp.Or(address, "GitHub named no address"))
	case errors.As(err, &refused) && refused.Status == http.StatusForbidden && p.Foreign:
		w.note("no comment is written: the token of a pull request from a fork, or of Dependabot, may only read")
	default:
		w.warn("comment: " + err.Error())
	}
}

// part is the part of a comment that shows a result.
type part struct {
	comment printer.Comment
	result  *report.Result
	mask    func(string) string
}

// Render implements github.Text.
func (p part) Render(now string) string { return p.comment.Render(now, p.result, p.mask) }

// In implements github.Text.
func (p part) In(now string) bool { return p.comment.Shows(now, p.result, p.mask) }

func (w *workflow) warn(message string) {
	w.Event(report.Event{Kind: report.Warning, Message: message})
}

func (w *workflow) note(message string) {
	w.Event(report.Event{Kind: report.Note, Message: message})
}
