package polyaxon

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Status is the status of a run. Servers may send others than those declared here.
type Status string

// The statuses of Polyaxon 1.11 to 2.18.
const (
	Created        Status = "created"
	OnSchedule     Status = "on_schedule"
	Resuming       Status = "resuming"
	Compiled       Status = "compiled"
	Queued         Status = "queued"
	Scheduled      Status = "scheduled"
	Starting       Status = "starting"
	Running        Status = "running"
	Processing     Status = "processing"
	Stopping       Status = "stopping"
	Warning        Status = "warning"
	Unschedulable  Status = "unschedulable"
	Retrying       Status = "retrying"
	Unknown        Status = "unknown"
	Succeeded      Status = "succeeded"
	Failed         Status = "failed"
	UpstreamFailed Status = "upstream_failed"
	Stopped        Status = "stopped"
	Skipped        Status = "skipped"
	Done           Status = "done"
)

// Terminal reports whether a run with this status has ended. Done is not
// terminal: it is used by triggers, and servers let other statuses follow it.
func (s Status) Terminal() bool {
	switch s {
	case Succeeded, Failed, UpstreamFailed, Stopped, Skipped:
		return true
	}
	return false
}

// Known reports whether the status is one of those declared here.
func (s Status) Known() bool {
	switch s {
	case Created, OnSchedule, Resuming, Compiled, Queued, Scheduled, Starting, Running, Processing, Stopping, Warning, Unschedulable, Retrying, Unknown:
		return true
	}
	return s.Terminal()
}

// Condition is one change of a run's status.
type Condition struct {
	Type    Status `json:"type"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// The times are those that the writer of the condition sent. Do not sort by them:
	// Polyaxon's operator gives all conditions after `starting` the transition time of
	// `starting`, and advances only the update time.
	LastUpdateTime     time.Time `json:"-"`
	LastTransitionTime time.Time `json:"-"`
}

// At returns the time of the condition: the later of its two times.
func (c Condition) At() time.Time {
	if c.LastUpdateTime.After(c.LastTransitionTime) {
		return c.LastUpdateTime
	}
	return c.LastTransitionTime
}

// UnmarshalJSON implements json.Unmarshaler. It accepts all forms that servers and agents
// write.
func (c *Condition) UnmarshalJSON(encoded []byte) error {
	var raw struct {
		Type               text  `json:"type"`
		Reason             text  `json:"reason"`
		Message            text  `json:"message"`
		LastUpdateTime     stamp `json:"last_update_time"`
		LastTransitionTime stamp `json:"last_transition_time"`
	}
	if err := json.Unmarshal(encoded, &raw); err != nil {
		return err
	}
	*c = Condition{
		Type: Status(raw.Type), Reason: string(raw.Reason), Message: string(raw.Message),
		LastUpdateTime: time.Time(raw.LastUpdateTime), LastTransitionTime: time.Time(raw.LastTransitionTime),
	}
	return nil
}

// Statuses returns the status of a run and its conditions so far, oldest first.
func (c *Client) Statuses(ctx context.Context, project, uuid string) (Status, []Condition, error) {
	var answer struct {
		Status     Status      `json:"status"`
		Conditions []Condition `json:"status_conditions"`
	}
	err := c.get(ctx, c.run(project, uuid, "statuses"), nil, &answer)
	return answer.Status, answer.Conditions, err
}

// SetStatus posts a condition. The response of a server does not show whether it accepted
// the condition: call Statuses afterwards.
func (c *Client) SetStatus(ctx context.Context, project, uuid string, condition Condition) error {
	body := map[string]any{"condition": map[string]any{
		"type": condition.Type, "status": "True", "reason": condition.Reason, "message": condition.Message,
	}}
	return c.send(ctx, http.MethodPost, c.run(project, uuid, "statuses"), body, nil)
}
