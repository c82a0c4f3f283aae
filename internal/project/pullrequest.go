package project

import (
	"cmp"
	"encoding/json"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// PullRequest is the pull request of GitHub that a workflow runs for. The zero value stands for
// none.
type PullRequest struct {
	Number int
	// Head is the commit that is to be merged. The commit that is checked out is a merge that
	// GitHub makes, whose hash nobody sees.
	Head string
	// Base is the branch into which it is merged.
	Base Base
	// Foreign reports whether the head is in another repository, or Dependabot made it: the
	// workflow then has no secrets, and its token may only read.
	Foreign bool
	// From says where a foreign head comes from: "the fork mallory/churn" or "Dependabot".
	From string
}

// Base is a branch and its commit.
type Base struct{ Branch, Commit string }

// maxEvent is the largest event that is read, in bytes. GitHub's limit for one is 25 MB.
const maxEvent = 32 << 20

var (
	commitHash     = lazyregexp.New(`^[0-9a-f]{40}$`)
	repositoryName = lazyregexp.New(`^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$`)
)

// event is the event of GitHub that started a workflow, as far as slipway reads it. See
// docs.github.com/en/webhooks/webhook-events-and-payloads. Its text is that of a stranger.
type event struct {
	PullRequest sides `json:"pull_request"`
	// WorkflowRun is the workflow after which this one runs.
	WorkflowRun struct {
		HeadSHA        string `json:"head_sha"`
		HeadRepository named  `json:"head_repository"`
	} `json:"workflow_run"`
	// Issue is what was commented on. A pull request is one, too.
	Issue struct {
		Number      int       `json:"number"`
		PullRequest *struct{} `json:"pull_request"`
	} `json:"issue"`
	Repository named `json:"repository"`
	// ClientPayload is what a program has sent with a repository_dispatch.
	ClientPayload struct {
		PullRequest *sides `json:"pull_request"`
	} `json:"client_payload"`
}

// sides is a pull request.
type sides struct {
	Number     int  `json:"number"`
	Head, Base side // encoding/json ignores case
}

// side is the head or the base of a pull request. The Repo of a fork that was deleted is null.
type side struct {
	SHA  string `json:"sha"`
	Ref  string `json:"ref"`
	Repo named  `json:"repo"`
}

// named is a repository.
type named struct {
	FullName string `json:"full_name"`
}

// fork returns what to call a repository that is not the workflow's own.
func (n named) fork() string {
	if repositoryName.MatchString(n.FullName) {
		return "the fork " + n.FullName
	}
	return "a fork"
}

// readEvent reads the event of this workflow. lookup reads an environment variable. It reports
// false if the event cannot be read.
func readEvent(lookup func(string) (string, bool)) (event, bool) {
	path, _ := lookup("GITHUB_EVENT_PATH")
	var e event
	text, err := source.ReadDocument(path, maxEvent, "an event")
	if err != nil || json.Unmarshal(text, &e) != nil {
		return event{}, false
	}
	return e, true
}

// PullRequest returns the pull request of the event that started this workflow. Of a merge request of
// GitLab it has the head and the base.
func (e *Env) PullRequest() PullRequest {
	get := func(name string) string { value, _ := e.Lookup(name); return value }
	if get("GITLAB_CI") != "true" || get("CI_PIPELINE_SOURCE") != "merge_request_event" {
		return ReadPullRequest(e.Lookup)
	}
	head := cmp.Or(get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"), get("CI_COMMIT_SHA")) // the former is set if the latter is a merge
	return PullRequest{Head: head, Base: Base{Branch: get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"), Commit: get("CI_MERGE_REQUEST_DIFF_BASE_SHA")}}
}

// ReadPullRequest is PullRequest for a process without an Env. lookup reads an environment
// variable. Hashes and numbers that are none are left out.
func ReadPullRequest(lookup func(string) (string, bool)) PullRequest {
	switch name, _ := lookup("GITHUB_EVENT_NAME"); name {
	case "pull_request", "pull_request_review", "pull_request_review_comment": // the same commit and the same rights
	default:
		return PullRequest{}
	}
	e, ok := readEvent(lookup)
	if !ok {
		return PullRequest{}
	}
	found := e.PullRequest
	p := PullRequest{Number: max(found.Number, 0), Base: Base{Branch: found.Base.Ref}}
	if commitHash.MatchString(found.Head.SHA) {
		p.Head = found.Head.SHA
	}
	if commitHash.MatchString(found.Base.SHA) {
		p.Base.Commit = found.Base.SHA
	}
	switch actor, _ := lookup("GITHUB_ACTOR"); {
	case found.Head.Repo.FullName != found.Base.Repo.FullName:
		p.Foreign, p.From = true, found.Head.Repo.fork()
	case actor == "dependabot[bot]":
		p.Foreign, p.From = true, "Dependabot"
	}
	return p
}
