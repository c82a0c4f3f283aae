package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// MaxComment is how long a comment may be, in characters. GitHub refuses longer ones with
// "body is too long (maximum is 65536 characters)".
const MaxComment = 65_536

// maxPages is how many pages of 100 comments are searched.
const maxPages = 50

// workflowUser is the user that the token of a workflow writes as.
const workflowUser = "github-actions[bot]"

// comment is a comment of an issue or a pull request.
type comment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	URL  string `json:"html_url"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
}

// Text is what a process writes into a comment beside others.
type Text interface {
	// Render returns the new text of the comment for the text that it has now, "" if there is none yet.
	Render(now string) string
	// In reports whether the comment has what Render adds.
	In(now string) bool
}

// Comment writes the one comment of a pull request that begins with marker and has the author that
// the token writes as. If two processes write the first one at the same time, the oldest is kept and
// the other is deleted. If several write into it at the same time, it has the text of each in the end. It
// returns the address of the comment.
//
// The error is an *Error if GitHub refuses.
func (c *Client) Comment(ctx context.Context, p PullRequest, marker string, text Text) (string, error) {
	marked, err := c.marked(ctx, p, marker)
	if err != nil {
		return "", err
	}
	if len(marked) > 0 {
		author, err := c.author(ctx)
		if err != nil {
			return "", err
		}
		if n := slices.IndexFunc(marked, func(m comment) bool { return m.User.Login == author }); n >= 0 {
			address, err := c.update(ctx, p, marked[n].ID, text)
			if refused := new(Error); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
				return address, err
			} // it was deleted meanwhile
		}
	}
	var created comment
	if _, err := c.send(ctx, http.MethodPost, p.comments(), map[string]string{"body": text.Render("")}, &created, false); err != nil {
		return "", err
	}
	marked, err = c.marked(ctx, p, marker)
	if err != nil {
		return created.URL, err
	}
	for _, m := range marked {
		if m.User.Login != created.User.Login || m.ID == created.ID {
			continue
		}
		if m.ID > created.ID {
			break
		}
		address, err := c.update(ctx, p, m.ID, text)
		if err != nil {
			return created.URL, err
		}
		_, err = c.send(ctx, http.MethodDelete, fmt.Sprintf("/repos/%s/issues/comments/%d", p.Repository, created.ID), nil, nil, true)
		return address, err
	}
	return created.URL, nil
}

// marked returns the comments that begin with a marker, the oldest first. Elsewhere it may be a
// stranger's: other workflows write as the same author, and some repeat text of pull requests.
func (c *Client) marked(ctx context.Context, p PullRequest, marker string) ([]comment, error) {
	var all []comment
	path := p.comments() + "?per_page=100"
	for range maxPages {
		var page []comment
		next, err := c.send(ctx, http.MethodGet, path, nil, &page, true)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(page, func(m comment) bool { return !strings.HasPrefix(m.Body, marker) })...)
		if path = next; path == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b comment) int { return int(max(-1, min(1, a.ID-b.ID))) })
	return all, nil
}

// author returns the login that the token writes as. The tokens of workflows and apps may ask for
// their own only by the GraphQL API. Where there is none, it is taken for that of a workflow.
func (c *Client) author(ctx context.Context) (string, error) {
	var user struct {
		Login string `json:"login"`
	}
	_, err := c.send(ctx, http.MethodGet, "/user", nil, &user, true)
	if !isUnavailable(err) {
		return user.Login, err
	}
	var answer struct {
		Data struct {
			Viewer struct {
				Login string `json:"login"`
			} `json:"viewer"`
		} `json:"data"`
	}
	query := map[string]string{"query": "query { viewer { login } }"}
	if _, err := c.send(ctx, http.MethodPost, c.graphQL(), query, &answer, true); err != nil && !isUnavailable(err) {
		return "", err
	}
	return cmp.Or(answer.Data.Viewer.Login, workflowUser), nil
}

// isUnavailable reports whether a token may not ask this, or the server does not know it.
func isUnavailable(err error) bool {
	refused := new(Error)
	return errors.As(err, &refused) && !refused.Limited && (refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound)
}

// graphQL returns the address of the GraphQL API. That of GitHub Enterprise Server is beside the REST
// API, such as https://github.acme.dev/api/graphql beside https://github.acme.dev/api/v3.
func (c *Client) graphQL() string {
	return strings.TrimSuffix(strings.TrimSuffix(c.URL, "/"), "/v3") + "/graphql"
}

const (
	// settles is how long another process may take between reading the comment and writing it.
	settles = 500 * time.Millisecond
	// maxUpdates is how often a text is written that others replace.
	maxUpdates = 5
)

// update writes a text into a comment, again if another process that did not see it has replaced it.
func (c *Client) update(ctx context.Context, p PullRequest, id int64, text Text) (string, error) {
	path := fmt.Sprintf("/repos/%s/issues/comments/%d", p.Repository, id)
	for n := 0; ; n++ {
		var now comment
		if _, err := c.send(ctx, http.MethodGet, path, nil, &now, true); err != nil || n > 0 && text.In(now.Body) {
			return now.URL, err
		}
		if n == maxUpdates {
			return now.URL, fmt.Errorf("others write into the comment at the same time: its text was replaced %d times", n)
		}
		if _, err := c.send(ctx, http.MethodPatch, path, map[string]string{"body": text.Render(now.Body)}, nil, true); err != nil {
			return "", err
		}
		if err := c.sleep(ctx, settles); err != nil {
			return "", err
		}
	}
}
