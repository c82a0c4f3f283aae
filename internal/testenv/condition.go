package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// condition is a status of a run, as an agent and an operator report it.
type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// Updated is when it was seen, and Transition the same time for all conditions of a run.
	Updated    string `json:"last_update_time"`
	Transition string `json:"last_transition_time"`
}

func newCondition(status, reason, message string, seen, job time.Time) condition {
	return condition{Type: status, Status: "True", Reason: reason, Message: message, Updated: seen.Format(time.RFC3339Nano), Transition: job.Format(time.RFC3339Nano)}
}

// post reports a condition of a run to a server, and returns the status of the answer.
func (c condition) post(ctx context.Context, host, project, uuid string) (int, error) {
	body, err := json.Marshal(map[string]any{"condition": c})
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/api/v1/default/%s/runs/%s/statuses", host, project, uuid), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	return response.StatusCode, nil
}
