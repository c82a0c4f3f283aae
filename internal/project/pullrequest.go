package project

import (
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
}

// Base is a branch and its commit.
type Base struct{ Branch, Commit string }

// maxEvent is the largest event that is read, in bytes. GitHub's limit for one is 25 MB.
const maxEvent = 32 << 20

var commitHash = lazyregexp.New(`^[0-9a-f]{40}$`)

// PullRequest returns the pull request of the event that started this workflow.
func (e *Env) PullRequest() PullRequest { return ReadPullRequest(e.Lookup) }

// ReadPullRequest is PullRequest for a process without an Env. lookup reads an environment
// variable. The text of an event is that of a stranger: hashes and numbers that are none are
// left out.
func ReadPullRequest(lookup func(string) (string, bool)) PullRequest {
	get := func(name string) string { value, _ := lookup(name); return value }
	if get("GITHUB_EVENT_NAME") != "pull_request" {
		return PullRequest{}
	}
	type side struct {
		SHA  string `json:"sha"`
		Ref  string `json:"ref"`
		Repo struct {
			FullName string `json:"full_name"`
		} `json:"repo"`
	}
	var event struct {
		PullRequest struct {
			Number     int  `json:"number"`
			Head, Base side // encoding/json ignores case
		} `json:"pull_request"`
	}
	text, err := source.ReadDocument(get("GITHUB_EVENT_PATH"), maxEvent, "an event")
	if err != nil || json.Unmarshal(text, &event) != nil {
		return PullRequest{}
	}
	found := event.PullRequest
	p := PullRequest{Number: max(found.Number, 0), Base: Base{Branch: found.Base.Ref}}
	if commitHash.MatchString(found.Head.SHA) {
		p.Head = found.Head.SHA
	}
	if commitHash.MatchString(found.Base.SHA) {
		p.Base.Commit = found.Base.SHA
	}
	p.Foreign = found.Head.Repo.FullName != found.Base.Repo.FullName || get("GITHUB_ACTOR") == "dependabot[bot]"
	return p
}
