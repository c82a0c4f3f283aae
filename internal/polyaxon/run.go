package polyaxon

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Run is a run as a server describes it.
type Run struct {
	UUID        string
	Name        string
	Description string
	Owner       string
	Project     string
	Kind        string // job, service, matrix, dag, schedule
	Runtime     string // the specific kind, such as tfjob for kind job
	Status      Status
	// Pending is what the run waits for before it is scheduled: PendingApproval or
	// PendingUpload, or empty.
	Pending  string
	Tags     []string
	Inputs   map[string]any
	Outputs  map[string]any
	MetaInfo map[string]any
	// Content is the compiled operation, and RawContent the operation that was sent, both as
	// JSON. Lists of runs do not have them.
	Content    string
	RawContent string
	Duration   float64 // seconds
	WaitTime   float64 // seconds
	CreatedAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time
	Original   *Original

	// deleted reports whether the run was deleted, although the server still returns it.
	deleted bool
}

// liveDeleted is the live_state of a deleted run.
const liveDeleted = -1

// Original is the run that a restart or a copy was made from. Kind is "restart" or
// "copy".
type Original struct{ UUID, Name, Kind string }

// UnmarshalJSON implements json.Unmarshaler. Servers send times in two forms, and return
// tags, inputs, outputs and meta_info in whatever shape they were sent. Tags that are not
// a list of strings are left out, and so are the others if they are not maps.
func (r *Run) UnmarshalJSON(encoded []byte) error {
	var raw struct {
		UUID        text   `json:"uuid"`
		Name        text   `json:"name"`
		Description text   `json:"description"`
		Owner       text   `json:"owner"`
		Project     text   `json:"project"`
		Kind        text   `json:"kind"`
		Runtime     text   `json:"runtime"`
		Status      Status `json:"status"`
		Pending     text   `json:"pending"`

		Tags     json.RawMessage `json:"tags"`
		Inputs   json.RawMessage `json:"inputs"`
		Outputs  json.RawMessage `json:"outputs"`
		MetaInfo json.RawMessage `json:"meta_info"`

		Content    text    `json:"content"`
		RawContent text    `json:"raw_content"`
		Duration   float64 `json:"duration"`
		WaitTime   float64 `json:"wait_time"`
		CreatedAt  stamp   `json:"created_at"`
		StartedAt  stamp   `json:"started_at"`
		FinishedAt stamp   `json:"finished_at"`
		LiveState  int     `json:"live_state"`
		Original   *struct {
			UUID text `json:"uuid"`
			Name text `json:"name"`
			Kind text `json:"kind"`
		} `json:"original"`
	}
	if err := json.Unmarshal(encoded, &raw); err != nil {
		return err
	}
	if raw.UUID != "" && !isID(string(raw.UUID)) {
		return fmt.Errorf("%.100q is not the UUID of a run", string(raw.UUID))
	}
	*r = Run{
		UUID: string(raw.UUID), Name: string(raw.Name), Description: string(raw.Description), Owner: string(raw.Owner), Project: string(raw.Project),
		Kind: string(raw.Kind), Runtime: string(raw.Runtime), Status: raw.Status, Pending: string(raw.Pending),
		Content: string(raw.Content), RawContent: string(raw.RawContent), Duration: raw.Duration, WaitTime: raw.WaitTime,
		CreatedAt: time.Time(raw.CreatedAt), StartedAt: time.Time(raw.StartedAt), FinishedAt: time.Time(raw.FinishedAt),
		deleted: raw.LiveState == liveDeleted,
	}
	if o := raw.Original; o != nil {
		r.Original = &Original{UUID: string(o.UUID), Name: string(o.Name), Kind: string(o.Kind)}
	}
	for shape, into := range map[*json.RawMessage]any{&raw.Tags: &r.Tags, &raw.Inputs: &r.Inputs, &raw.Outputs: &r.Outputs, &raw.MetaInfo: &r.MetaInfo} {
		_ = json.Unmarshal(*shape, into) // other shapes are left out
	}
	return nil
}

// isID reports whether a text can be a run's UUID, with hyphens or without. A UUID becomes a part of addresses, queries,
// build arguments and names of objects, so one that a server sends is checked where it enters.
func isID(text string) bool {
	return len(text) <= 64 && strings.Trim(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == "" && text[0] != '-'
}

// The values of Pending: what a run waits for before it is scheduled.
const (
	PendingApproval = "approval"
	PendingUpload   = "upload"
)

// CreateRun is what a request to create a run contains.
type CreateRun struct {
	// Content is the operation, as JSON or YAML text.
	Content     string
	Name        string
	Description string
	Tags        []string
	// MetaInfo can be searched for with `meta_info.KEY:VALUE`. Values must not look like
	// numbers.
	MetaInfo map[string]any
	// DryRun compiles the operation but does not schedule it. The run stays compiled, or
	// fails with the compiler's message. Delete it afterwards.
	DryRun bool
	// Pending holds the run until it is approved: PendingApproval or PendingUpload.
	Pending string
}

// body returns the request's body. 1.11.3 reads is_managed, and compiles runs that are
// not managed. 2.x reads managed_by first, and does not compile runs that a user manages.
func (r CreateRun) body() map[string]any {
	body := map[string]any{"content": r.Content, "is_managed": true}
	if r.DryRun {
		body["is_managed"], body["managed_by"] = false, "cli"
	}
	for key, value := range map[string]string{"name": r.Name, "description": r.Description, "pending": r.Pending} {
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
	return body
}
