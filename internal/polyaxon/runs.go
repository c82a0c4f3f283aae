package polyaxon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Installation is what a server says of itself.
type Installation struct {
	Key     string `json:"key"`
	Version string `json:"version"`
	Dist    string `json:"dist"`
	Mode    string `json:"mode"`
}

// Installation asks for the server's version: the handshake.
func (c *Client) Installation(ctx context.Context) (Installation, error) {
	var i Installation
	path := "/api/v1/installation"
	if err := c.get(ctx, path, nil, &i); err != nil {
		return i, err
	}
	if i.Version == "" {
		return i, &Error{Method: http.MethodGet, Path: path, StatusCode: http.StatusOK, Kind: NotPolyaxon,
			Messages: []string{c.host + " answers, but not as a Polyaxon server does"}}
	}
	return i, nil
}

// EnsureProject creates a project when it does not exist.
func (c *Client) EnsureProject(ctx context.Context, name string) error {
	var project struct {
		Name string `json:"name"`
	}
	err := c.get(ctx, c.api(name), nil, &project)
	if !IsNotFound(err) {
		return err
	}
	create := func() error {
		return c.send(ctx, http.MethodPost, c.api("projects", "create"), map[string]any{"name": name}, nil)
	}
	// Creating is safe to repeat: a second one with the name is refused, which
	// then means that the first one, or somebody else's, was there.
	if err = c.again(ctx, create); err == nil {
		return nil
	}
	if asked := c.get(ctx, c.api(name), nil, &project); asked == nil {
		return nil
	}
	return err
}

// Run is a run as a server tells it.
type Run struct {
	UUID        string         `json:"uuid"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Owner       string         `json:"owner"`
	Project     string         `json:"project"`
	Kind        string         `json:"kind"`    // job, service, matrix, dag, schedule
	Runtime     string         `json:"runtime"` // the real kind: tfjob for kind job
	Status      Status         `json:"status"`
	Pending     string         `json:"pending"`
	Tags        []string       `json:"tags"`
	Inputs      map[string]any `json:"inputs"`
	Outputs     map[string]any `json:"outputs"`
	MetaInfo    map[string]any `json:"meta_info"`
	// Content is the compiled operation, RawContent the one that was sent; JSON.
	Content    string    `json:"content"`
	RawContent string    `json:"raw_content"`
	Duration   float64   `json:"duration"`  // seconds
	WaitTime   float64   `json:"wait_time"` // seconds
	CreatedAt  time.Time `json:"-"`
	StartedAt  time.Time `json:"-"`
	FinishedAt time.Time `json:"-"`
	Original   *Original `json:"original"`
}

// Original is the run that a restart or a copy was made from.
type Original struct{ UUID, Name, Kind string }

// UnmarshalJSON reads a run; times come in two forms.
func (r *Run) UnmarshalJSON(text []byte) error {
	type plainRun Run
	raw := struct {
		*plainRun
		Tags       json.RawMessage `json:"tags"`
		CreatedAt  any             `json:"created_at"`
		StartedAt  any             `json:"started_at"`
		FinishedAt any             `json:"finished_at"`
	}{plainRun: (*plainRun)(r)}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	r.CreatedAt, r.StartedAt, r.FinishedAt = parseTime(raw.CreatedAt), parseTime(raw.StartedAt), parseTime(raw.FinishedAt)
	_ = json.Unmarshal(raw.Tags, &r.Tags) // a server keeps whatever was sent as tags; other shapes are left out
	return nil
}

// CreateRun is what a run is made of.
type CreateRun struct {
	// Content is the operation, as JSON or YAML text.
	Content     string
	Name        string
	Description string
	Tags        []string
	// MetaInfo is searchable: `meta_info.KEY:VALUE`. Values must not look like
	// numbers.
	MetaInfo map[string]any
	// ManagedBy "cli" makes it a dry run on 2.x: compiled and not scheduled.
	ManagedBy string
}

// CreateRun submits an operation. It is sent once; after an error for which
// Temporary holds, the run may exist: look it up before sending it again.
// Servers accept an operation that does not compile and fail the run afterwards.
func (c *Client) CreateRun(ctx context.Context, project string, r CreateRun) (*Run, error) {
	body := map[string]any{"content": r.Content}
	if r.ManagedBy != "" {
		body["managed_by"] = r.ManagedBy
	} else {
		body["is_managed"] = true // what 1.11.3 and 2.x both read
	}
	for key, value := range map[string]string{"name": r.Name, "description": r.Description} {
		if value != "" {
			body[key] = value
		}
	}
	if len(r.Tags) > 0 {
		body["tags"] = r.Tags
	}
	if len(r.MetaInfo) > 0 {
		body["meta_info"] = r.MetaInfo
	}
	var run Run
	if err := c.send(ctx, http.MethodPost, c.api(project, "runs"), body, &run); err != nil {
		return nil, err
	}
	if run.UUID == "" {
		return nil, fmt.Errorf("create a run in project %s: the server's answer names no run", project)
	}
	return &run, nil
}

// Run asks for one run.
func (c *Client) Run(ctx context.Context, project, uuid string) (*Run, error) {
	var run Run
	if err := c.get(ctx, c.run(project, uuid), nil, &run); err != nil {
		return nil, err
	}
	return &run, nil
}

// Query chooses runs: Query as Polyaxon writes it (`status:running,name:train`),
// Sort by a field, `-` first for descending; at most Limit from Offset on.
type Query struct {
	Query, Sort   string
	Limit, Offset int
}

// Runs lists runs and tells how many there are in all.
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
	return page.Results, page.Count, err
}

// Stop asks for a run to be stopped. It is `stopping` until its agent has done so.
func (c *Client) Stop(ctx context.Context, project, uuid string) error {
	return c.act(ctx, project, uuid, "stop")
}

// Approve lets a run that waits for approval, or for an upload, go on.
func (c *Client) Approve(ctx context.Context, project, uuid string) error {
	return c.act(ctx, project, uuid, "approve")
}

// act sends an action that may be repeated.
func (c *Client) act(ctx context.Context, project, uuid, action string) error {
	return c.again(ctx, func() error {
		return c.send(ctx, http.MethodPost, c.run(project, uuid, action), map[string]any{}, nil)
	})
}

// Delete deletes a run. Deleting it again is no error.
func (c *Client) Delete(ctx context.Context, project, uuid string) error {
	return c.again(ctx, func() error {
		return c.send(ctx, http.MethodDelete, c.run(project, uuid), nil, nil)
	})
}

// Restart makes a new run of a run's operation. It is sent once.
func (c *Client) Restart(ctx context.Context, project, uuid string, r CreateRun) (*Run, error) {
	return c.clone(ctx, project, uuid, "restart", r)
}

// Copy makes a new run of a run's operation and artifacts. It is sent once.
func (c *Client) Copy(ctx context.Context, project, uuid string, r CreateRun) (*Run, error) {
	return c.clone(ctx, project, uuid, "copy", r)
}

// Resume runs a run that has ended again, under its UUID. It is sent once.
func (c *Client) Resume(ctx context.Context, project, uuid string) (*Run, error) {
	return c.clone(ctx, project, uuid, "resume", CreateRun{})
}

func (c *Client) clone(ctx context.Context, project, uuid, action string, r CreateRun) (*Run, error) {
	body := map[string]any{}
	if r.Content != "" {
		body["content"] = r.Content
	}
	if r.Name != "" {
		body["name"] = r.Name
	}
	if len(r.Tags) > 0 {
		body["tags"] = r.Tags
	}
	if len(r.MetaInfo) > 0 {
		body["meta_info"] = r.MetaInfo
	}
	var run Run
	if err := c.send(ctx, http.MethodPost, c.run(project, uuid, action), body, &run); err != nil {
		return nil, err
	}
	return &run, nil
}

// Namespace gives the namespace that a run's pods are in.
func (c *Client) Namespace(ctx context.Context, project, uuid string) (string, error) {
	var answer struct {
		Namespace string `json:"namespace"`
	}
	err := c.get(ctx, c.run(project, uuid, "namespace"), nil, &answer)
	return answer.Namespace, err
}

// ServiceURL gives where a service answers, through the server's gateway.
func (c *Client) ServiceURL(r *Run, namespace string) string {
	prefix := "/services/v1/"
	if strings.Contains(strings.ReplaceAll(r.Content, " ", ""), `"rewritePath":true`) {
		prefix = "/rewrite-services/v1/"
	}
	return c.host + prefix + escape([]string{namespace, c.owner, r.Project, "runs", r.UUID}) + "/"
}

// Lineage is an artifact that a run has registered.
type Lineage struct {
	Name    string         `json:"name"`
	Kind    string         `json:"kind"`
	Path    string         `json:"path"`
	Summary map[string]any `json:"summary"`
	IsInput bool           `json:"is_input"`
}

// Lineage gives the artifacts that a run has registered.
func (c *Client) Lineage(ctx context.Context, project, uuid string) ([]Lineage, error) {
	var page struct {
		Results []Lineage `json:"results"`
	}
	err := c.get(ctx, c.run(project, uuid, "lineage", "artifacts"), nil, &page)
	return page.Results, err
}

// AddLineage registers artifacts of a run.
func (c *Client) AddLineage(ctx context.Context, project, uuid string, artifacts []Lineage) error {
	return c.send(ctx, http.MethodPost, c.run(project, uuid, "lineage", "artifacts"), map[string]any{"artifacts": artifacts}, nil)
}

// SetOutputs merges outputs into a run's.
func (c *Client) SetOutputs(ctx context.Context, project, uuid string, outputs map[string]any) error {
	return c.again(ctx, func() error {
		return c.send(ctx, http.MethodPatch, c.run(project, uuid), map[string]any{"outputs": outputs, "merge": true}, nil)
	})
}

// timeForms are those that servers were seen to send.
func timeForms() []string {
	return []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999-07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"}
}

// parseTime gives the zero time for what is no time.
func parseTime(value any) time.Time {
	switch x := value.(type) {
	case string:
		for _, form := range timeForms() {
			if t, err := time.Parse(form, x); err == nil {
				return t
			}
		}
	case float64:
		return time.UnixMicro(int64(x * 1e6)).UTC()
	}
	return time.Time{}
}

// plain gives a value that should be text as text. Servers answer numbers where
// every value looks like one.
func plain(value any) string {
	switch x := value.(type) {
	case nil:
		return ""
	case string:
		return x
	case json.Number:
		return x.String()
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
