package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
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

// Comment writes the one comment of a pull request that begins with marker and has the author that
// the token writes as. render returns its new text for the text that it has now, "" if there
// is none yet. If two processes write the first one at the same time, the oldest is kept and
// the other is deleted. It returns the address of the comment.
//
// The error is an *Error if GitHub refuses.
func (c *Client) Comment(ctx context.Context, p PullRequest, marker string, render func(now string) string) (string, error) {
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
			address, err := c.update(ctx, p, marked[n], render)
			if refused := new(Error); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
				return address, err
			} // it was deleted meanwhile
		}
	}
	var created comment
	if _, err := c.send(ctx, http.MethodPost, p.comments(), map[string]string{"body": render("")}, &created, false); err != nil {
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
		address, err := c.update(ctx, p, m, render)
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

func (c *Client) update(ctx context.Context, p PullRequest, old comment, render func(string) string) (string, error) {
	var updated comment
	_, err := c.send(ctx, http.MethodPatch, fmt.Sprintf("/repos/%s/issues/comments/%d", p.Repository, old.ID), map[string]string{"body": render(old.Body)}, &updated, true)
	return updated.URL, err
}
