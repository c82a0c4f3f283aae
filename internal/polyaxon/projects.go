package polyaxon

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Project is a project as a server describes it.
type Project struct {
	UUID        string `json:"uuid"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// projectPage is the number of projects in one request, which is the most that servers
// return.
const projectPage = 100

// Projects returns the projects of the owner, at most 10,000, oldest first.
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	var all []Project
	for len(all) < 10_000 {
		var page struct {
			Count   int       `json:"count"`
			Results []Project `json:"results"`
		}
		values := url.Values{"limit": {strconv.Itoa(projectPage)}, "offset": {strconv.Itoa(len(all))}, "sort": {"created_at"}}
		if err := c.get(ctx, c.api("projects", "list"), values, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Results...)
		if len(page.Results) == 0 || len(all) >= page.Count {
			break
		}
	}
	return all, nil
}

// Project returns the project with the name. IsNotFound holds for the error if there is
// none.
func (c *Client) Project(ctx context.Context, name string) (*Project, error) {
	var project Project
	if err := c.get(ctx, c.api(name), nil, &project); err != nil {
		return nil, err
	}
	return &project, nil
}

// EnsureProject creates a project if it does not exist.
func (c *Client) EnsureProject(ctx context.Context, name string) error {
	if _, err := c.Project(ctx, name); !IsNotFound(err) {
		return err
	}
	// It is safe to retry: the server refuses a second project of the same name. An error
	// then means that the first request, or somebody else, created it.
	err := c.retry(ctx, func() error {
		return c.send(ctx, http.MethodPost, c.api("projects", "create"), map[string]any{"name": name}, nil)
	})
	if err == nil {
		return nil
	}
	if _, asked := c.Project(ctx, name); asked == nil {
		return nil
	}
	return err
}

// DeleteProject deletes a project and its runs. It returns nil if the project does not
// exist.
func (c *Client) DeleteProject(ctx context.Context, name string) error {
	err := c.retry(ctx, func() error { return c.send(ctx, http.MethodDelete, c.api(name), nil, nil) })
	if IsNotFound(err) {
		return nil
	}
	return err
}
