package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// agent plays Polyaxon's agent over HTTP: it takes queued runs, really runs their
// command as a process of this machine, archives what it prints, and tells the
// server how it ended.
type agent struct {
	host, data string
	mu         sync.Mutex
	cancel     map[string]context.CancelFunc
	group      sync.WaitGroup
}

func (a *agent) run(ctx context.Context) {
	a.cancel = map[string]context.CancelFunc{}
	defer a.group.Wait()
	for ctx.Err() == nil {
		a.poll(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// poll asks what is queued and what is to stop: lists of lists, as servers answer.
func (a *agent) poll(ctx context.Context) {
	var answer struct {
		State struct{ Queued, Stopping [][]any }
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.host+"/api/v1/orgs/default/agents/state", nil)
	if err != nil {
		return
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	if json.NewDecoder(response.Body).Decode(&answer) != nil {
		return
	}
	for _, entry := range answer.State.Queued {
		project, uuid := instance(entry)
		content, _ := entry[3].(string)
		running, cancel := context.WithCancel(ctx)
		a.mu.Lock()
		a.cancel[uuid] = cancel
		a.mu.Unlock()
		a.group.Add(1)
		go func() { defer a.group.Done(); a.execute(running, project, uuid, content) }()
	}
	for _, entry := range answer.State.Stopping {
		project, uuid := instance(entry)
		a.mu.Lock()
		if cancel := a.cancel[uuid]; cancel != nil {
			cancel()
		}
		a.mu.Unlock()
		a.tell(project, uuid, "stopped", "stopped by the agent")
	}
}

// instance reads owner.project.runs.uuid.
func instance(entry []any) (project, uuid string) {
	text, _ := entry[0].(string)
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return "", ""
	}
	return parts[1], parts[3]
}

func (a *agent) tell(project, uuid, status, message string) {
	body, err := json.Marshal(map[string]any{"condition": map[string]any{"type": status, "status": "True", "reason": "TestAgent", "message": message}})
	if err != nil {
		return
	}
	for range 3 {
		response, err := http.Post(fmt.Sprintf("%s/api/v1/default/%s/runs/%s/statuses", a.host, project, uuid), "application/json", bytes.NewReader(body))
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusCreated {
				return
			}
		}
	}
}

func (a *agent) execute(ctx context.Context, project, uuid, content string) {
	var operation struct {
		Run struct {
			Container struct{ Command, Args []string }
		}
	}
	if err := json.Unmarshal([]byte(content), &operation); err != nil {
		a.tell(project, uuid, "failed", err.Error())
		return
	}
	a.tell(project, uuid, "starting", "")
	a.tell(project, uuid, "running", "")
	argv := append(operation.Run.Container.Command, operation.Run.Container.Args...)
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Dir = filepath.Join(a.data, uuid)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := os.MkdirAll(filepath.Join(command.Dir, "plxlogs"), 0o755)
	if err == nil {
		err = command.Run()
	}
	a.archive(uuid, output.String())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.tell(project, uuid, "failed", err.Error())
	default:
		a.tell(project, uuid, "succeeded", "")
	}
}

// archive writes a log in one step: a reader of half a line makes the server fail.
func (a *agent) archive(uuid, output string) {
	pod := "plx-operation-" + uuid + "-0"
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	at := time.Now().UTC()
	for i, value := range strings.Split(strings.TrimRight(output, "\n"), "\n") {
		stamp := at.Add(time.Duration(i) * time.Microsecond).Format("2006-01-02T15:04:05.000000+00:00")
		_ = encoder.Encode(map[string]string{"timestamp": stamp, "node": "n", "pod": pod, "container": "polyaxon-main", "value": value})
	}
	path := filepath.Join(a.data, uuid, "plxlogs", pod+".jsonl")
	if os.WriteFile(filepath.Join(a.data, uuid+".part"), lines.Bytes(), 0o644) == nil {
		_ = os.Rename(filepath.Join(a.data, uuid+".part"), path)
	}
}
