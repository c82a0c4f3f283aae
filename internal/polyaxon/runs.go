package polyaxon

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// CreateRun submits an operation. It is sent once; unless Refused holds for the
// error, the run may exist: look it up before sending it again. Servers accept
// an operation that does not compile and fail the run afterwards, and tell
// neither status nor times here: ask for Run or Statuses.
func (c *Client) CreateRun(ctx context.Context, project string, r CreateRun) (*Run, error) {
	return c.make(ctx, project, c.api(project, "runs"), r.body())
}

// make sends a request that makes a run, once.
func (c *Client) make(ctx context.Context, project, path string, body map[string]any) (*Run, error) {
	var run Run
	if err := c.send(ctx, http.MethodPost, path, body, &run); err != nil {
		return nil, err
	}
	if run.UUID == "" {
		return nil, request{method: http.MethodPost, path: path}.strange("the answer names no run")
	}
	return c.owned(&run, project), nil
}

// owned fills in what servers leave out of lists and of new runs.
func (c *Client) owned(r *Run, project string) *Run {
	if r.Project == "" {
		r.Project = project
	}
	if r.Owner == "" {
		r.Owner = c.owner
	}
	return r
}

// Run asks for one run. One that was deleted is not found: servers of 2.18 go on
// telling it, and do not tell its statuses any more.
func (c *Client) Run(ctx context.Context, project, uuid string) (*Run, error) {
	var run Run
	path := c.run(project, uuid)
	if err := c.get(ctx, path, nil, &run); err != nil {
		return nil, err
	}
	if run.deleted {
		return nil, &Error{Method: http.MethodGet, Path: path, StatusCode: http.StatusOK, Kind: NotFound, Messages: []string{"the run was deleted"}}
	}
	return c.owned(&run, project), nil
}

// Query chooses runs: Query as Polyaxon writes it (`status:running,name:train`),
// Sort by a field, `-` first for descending; at most Limit, 20 when zero, from
// Offset on. Servers of 1.11.3 give no more than 100 at once.
type Query struct {
	Query, Sort   string
	Limit, Offset int
}

// Runs lists runs and tells how many there are in all. The links to the next
// page that servers send are not used: they hold the host that the server saw.
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
		c.owned(&page.Results[i], project)
	}
	return page.Results, page.Count, err
}

// Stop asks for a run to be stopped. It is `stopping` until its agent has done
// so. Stopping one that has ended is no error.
func (c *Client) Stop(ctx context.Context, project, uuid string) error {
	return c.act(ctx, project, uuid, "stop")
}

// approvals bounds how often a run is approved until it is.
const approvals = 3

// Approve lets a run that waits for approval, or for an upload, go on, and sees that
// it does: one whose own operation says isApproved: false is only compiled at the
// first call to 2.18, and goes on at the second. Approving one that waits for
// nothing is no error.
func (c *Client) Approve(ctx context.Context, project, uuid string) error {
	for range approvals {
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
	return fmt.Errorf("run %s still waits after it was approved %d times", uuid, approvals)
}

// Skip ends a run that waits for approval, or for an upload, as skipped. It does
// nothing to another. Servers of 1.x do not know it.
func (c *Client) Skip(ctx context.Context, project, uuid string) error {
	return c.act(ctx, project, uuid, "skip")
}

// act sends an action that may be repeated.
func (c *Client) act(ctx context.Context, project, uuid, action string) error {
	return c.again(ctx, func() error {
		return c.send(ctx, http.MethodPost, c.run(project, uuid, action), map[string]any{}, nil)
	})
}

// Delete deletes a run. Deleting it again is no error.
func (c *Client) Delete(ctx context.Context, project, uuid string) error {
	err := c.again(ctx, func() error { return c.send(ctx, http.MethodDelete, c.run(project, uuid), nil, nil) })
	if IsNotFound(err) {
		return nil
	}
	return err
}

// Restart makes a new run of a run's operation. It is sent once, and so is all
// that follows. The new run has the name and the tags of the old one, and r's
// MetaInfo; r.Content is a preset laid over the operation.
func (c *Client) Restart(ctx context.Context, project, uuid string, r CreateRun) (*Run, error) {
	return c.clone(ctx, project, uuid, "restart", r)
}

// Copy makes a new run of a run's operation and artifacts, as Restart does.
func (c *Client) Copy(ctx context.Context, project, uuid string, r CreateRun) (*Run, error) {
	return c.clone(ctx, project, uuid, "copy", r)
}

// Resume runs a run that has ended again, under its UUID.
func (c *Client) Resume(ctx context.Context, project, uuid string) (*Run, error) {
	return c.clone(ctx, project, uuid, "resume", CreateRun{})
}

func (c *Client) clone(ctx context.Context, project, uuid, action string, r CreateRun) (*Run, error) {
	body := r.body()
	delete(body, "is_managed")
	if r.Content == "" {
		delete(body, "content")
	}
	return c.make(ctx, project, c.run(project, uuid, action), body)
}

// Patch is what to change of a run; what is empty stays. Maps are merged into the
// run's. There is no status here: servers would take it.
type Patch struct {
	Name        string         `json:"name,omitempty"`
	Description string         `json:"description,omitempty"`
	Tags        []string       `json:"tags,omitempty"`
	Inputs      map[string]any `json:"inputs,omitempty"`
	Outputs     map[string]any `json:"outputs,omitempty"`
	MetaInfo    map[string]any `json:"meta_info,omitempty"`
}

// Patch changes a run.
func (c *Client) Patch(ctx context.Context, project, uuid string, p Patch) error {
	body := struct {
		Patch
		Merge bool `json:"merge"`
	}{p, true}
	return c.again(ctx, func() error { return c.send(ctx, http.MethodPatch, c.run(project, uuid), body, nil) })
}

// Namespace gives the namespace that a run's pods are in.
func (c *Client) Namespace(ctx context.Context, project, uuid string) (string, error) {
	var answer struct {
		Namespace string `json:"namespace"`
	}
	err := c.get(ctx, c.run(project, uuid, "namespace"), nil, &answer)
	return answer.Namespace, err
}
