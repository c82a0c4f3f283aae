package polyaxon

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// CreateRun submits an operation. The request is sent once. Unless Refused holds for the
// error, the run may exist: look it up before sending it again. Servers accept an
// operation that does not compile and fail the run afterwards. Their response has neither
// a status nor times: call Run or Statuses.
func (c *Client) CreateRun(ctx context.Context, project string, r CreateRun) (*Run, error) {
	return c.postRun(ctx, project, c.api(project, "runs"), r.body())
}

// postRun sends a request that creates a run, once.
func (c *Client) postRun(ctx context.Context, project, path string, body map[string]any) (*Run, error) {
	var run Run
	if err := c.send(ctx, http.MethodPost, path, body, &run); err != nil {
		return nil, err
	}
	if run.UUID == "" {
		return nil, request{method: http.MethodPost, path: path}.unexpected("the response has no run")
	}
	return c.setOwner(&run, project), nil
}

// setOwner sets the project and the owner, which servers leave out in lists and for new
// runs.
func (c *Client) setOwner(r *Run, project string) *Run {
	if r.Project == "" {
		r.Project = project
	}
	if r.Owner == "" {
		r.Owner = c.owner
	}
	return r
}

// Run returns one run. IsNotFound holds for the error if the run does not exist or was
// deleted. Servers of 2.18 still return a deleted run, but not its statuses.
func (c *Client) Run(ctx context.Context, project, uuid string) (*Run, error) {
	var run Run
	path := c.run(project, uuid)
	if err := c.get(ctx, path, nil, &run); err != nil {
		return nil, err
	}
	if run.deleted {
		return nil, &Error{Method: http.MethodGet, Path: path, StatusCode: http.StatusOK, Kind: NotFound, Messages: []string{"the run was deleted"}}
	}
	return c.setOwner(&run, project), nil
}

// Query selects runs. Query is a filter in Polyaxon's syntax, such as
// `status:running,name:train`. Sort is a field, with a leading `-` for descending order.
// At most Limit runs are returned, starting at Offset. A Limit of zero means 20, the
// default of servers. Servers of 1.11.3 return at most 100 runs at once.
type Query struct {
	Query, Sort   string
	Limit, Offset int
}

// Runs returns the runs that match the query, and the number of matching runs without its
// limit. It ignores the links to other pages in the response, since they contain the host
// as the server sees it.
func (c *Client) Runs(ctx context.Context, project string, q Query) ([]Run, int, error) {
	values := url.Values{}
	if q.Query != "" {
		values.Set("query", q.Query)
	}
	if q.Sort != "" {
		values.Set("sort", q.Sort)
	}
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Offset > 0 {
		values.Set("offset", strconv.Itoa(q.Offset))
	}
	var page struct {
		Count   int   `json:"count"`
		Results []Run `json:"results"`
	}
	err := c.get(ctx, c.api(project, "runs"), values, &page)
	for i := range page.Results {
		c.setOwner(&page.Results[i], project)
	}
	return page.Results, page.Count, err
}

// Stop requests that a run be stopped. The run has the status stopping until its agent
// has stopped it. Stopping a run that has ended is not an error.
func (c *Client) Stop(ctx context.Context, project, uuid string) error {
	return c.act(ctx, project, uuid, "stop")
}

// maxApprovals is how often a run is approved before Approve returns an error.
const maxApprovals = 3

// Approve lets a run go on that waits for approval or for an upload, and checks that it
// does. If the operation itself says isApproved: false, 2.18 only compiles the run at the
// first request and continues at the second. Approving a run that does not wait is not an
// error.
func (c *Client) Approve(ctx context.Context, project, uuid string) error {
	for range maxApprovals {
		if err := c.act(ctx, project, uuid, "approve"); err != nil {
			return err
		}
		r, err := c.Run(ctx, project, uuid)
		if err != nil {
			return err
		}
		if r.Pending == "" || r.Status.Terminal() {
			return nil
		}
	}
	return fmt.Errorf("run %s is still waiting after it was approved %d times", uuid, maxApprovals)
}

// Skip ends a run that waits for approval or for an upload as skipped. It has no effect
// on other runs. Servers of 1.x do not support it.
func (c *Client) Skip(ctx context.Context, project, uuid string) error {
	return c.act(ctx, project, uuid, "skip")
}

// act requests an action that can be repeated safely.
func (c *Client) act(ctx context.Context, project, uuid, action string) error {
	return c.retry(ctx, func() error {
		return c.send(ctx, http.MethodPost, c.run(project, uuid, action), map[string]any{}, nil)
	})
}

// Delete deletes a run. It returns nil if the run does not exist.
func (c *Client) Delete(ctx context.Context, project, uuid string) error {
	err := c.retry(ctx, func() error { return c.send(ctx, http.MethodDelete, c.run(project, uuid), nil, nil) })
	if IsNotFound(err) {
		return nil
	}
	return err
}

// Restart creates a new run of a run's operation. The request is sent once, as are those
// of Copy and Resume. The new run has the name and the tags of the old one, and the
// MetaInfo of r. r.Content is a preset that is applied to the operation.
func (c *Client) Restart(ctx context.Context, project, uuid string, r CreateRun) (*Run, error) {
	return c.clone(ctx, project, uuid, "restart", r)
}

// Copy creates a new run of a run's operation and artifacts. It is otherwise like
// Restart.
func (c *Client) Copy(ctx context.Context, project, uuid string, r CreateRun) (*Run, error) {
	return c.clone(ctx, project, uuid, "copy", r)
}

// Resume runs a run again that has ended, with the same UUID.
func (c *Client) Resume(ctx context.Context, project, uuid string) (*Run, error) {
	return c.clone(ctx, project, uuid, "resume", CreateRun{})
}

// clone requests an action that makes a run from another one.
func (c *Client) clone(ctx context.Context, project, uuid, action string, r CreateRun) (*Run, error) {
	body := r.body()
	delete(body, "is_managed")
	if r.Content == "" {
		delete(body, "content")
	}
	return c.postRun(ctx, project, c.run(project, uuid, action), body)
}

// Patch lists changes to a run. Empty fields are left unchanged, and maps are merged into
// those of the run. It has no status, although servers would accept one.
type Patch struct {
	Name        string         `json:"name,omitempty"`
	Description string         `json:"description,omitempty"`
	Tags        []string       `json:"tags,omitempty"`
	Inputs      map[string]any `json:"inputs,omitempty"`
	Outputs     map[string]any `json:"outputs,omitempty"`
	MetaInfo    map[string]any `json:"meta_info,omitempty"`
}

// Patch applies changes to a run.
func (c *Client) Patch(ctx context.Context, project, uuid string, p Patch) error {
	body := struct {
		Patch
		Merge bool `json:"merge"`
	}{p, true}
	return c.retry(ctx, func() error { return c.send(ctx, http.MethodPatch, c.run(project, uuid), body, nil) })
}

// Namespace returns the Kubernetes namespace of a run's pods.
func (c *Client) Namespace(ctx context.Context, project, uuid string) (string, error) {
	var answer struct {
		Namespace string `json:"namespace"`
	}
	err := c.get(ctx, c.run(project, uuid, "namespace"), nil, &answer)
	return answer.Namespace, err
}
