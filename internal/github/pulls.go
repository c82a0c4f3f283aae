package github

import (
	"context"
	"fmt"
	"net/http"
)

// PullRequest is a pull request of a repository.
type PullRequest struct {
	// Repository is OWNER/NAME.
	Repository string
	Number     int
}

func (p PullRequest) comments() string {
	return fmt.Sprintf("/repos/%s/issues/%d/comments", p.Repository, p.Number)
}

// State is how a pull request is now.
type State struct {
	// Head is its newest commit.
	Head string
	// From is the repository of the head, OWNER/NAME, or "" if that was deleted. Foreign reports
	// whether it is another one than that of the base.
	From    string
	Foreign bool
}

// State asks how a pull request is now. The error is an *Error if GitHub refuses.
func (c *Client) State(ctx context.Context, p PullRequest) (State, error) {
	type side struct {
		SHA  string `json:"sha"`
		Repo struct {
			FullName string `json:"full_name"`
		} `json:"repo"`
	}
	var answer struct {
		Head side `json:"head"`
		Base side `json:"base"`
	}
	_, err := c.send(ctx, http.MethodGet, fmt.Sprintf("/repos/%s/pulls/%d", p.Repository, p.Number), nil, &answer, true)
	from := answer.Head.Repo.FullName
	return State{Head: answer.Head.SHA, From: from, Foreign: from == "" || from != answer.Base.Repo.FullName}, err
}
