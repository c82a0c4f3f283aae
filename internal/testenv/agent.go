package testenv

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv/program"
)

// agent plays the role of Polyaxon's agent over HTTP. It takes queued runs, runs their
// commands as processes of this machine, archives their output, and reports to the server
// how they ended. It also serves the Kubernetes API that the server reads live lines from
// (see pods.go).
type agent struct {
	host, data string
	group      sync.WaitGroup

	mu sync.Mutex
	// skew is how far the clock of the agent and its node is ahead of the server's clock.
	skew time.Duration
	pods map[string]*pod
}

// pod is a run that has not ended. Its lines can be read until they are archived.
type pod struct {
	cancel context.CancelFunc
	// job is when the run's job was created. The operator reports it as the transition time
	// of all later conditions.
	job   time.Time
	lines []podLine
	ended bool
}

type podLine struct {
	at   time.Time
	text string
}

func (a *agent) run(ctx context.Context) {
	// run polls the server until ctx is done, and returns when all runs have ended.
	defer a.group.Wait()
	for ctx.Err() == nil {
		a.poll(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// poll asks the server for queued runs, and for those to stop. The server answers with
// lists of lists.
func (a *agent) poll(ctx context.Context) {
	var answer struct {
		State struct{ Queued, Stopping, Deleting [][]any }
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
		p := &pod{cancel: cancel}
		a.mu.Lock()
		a.pods[uuid] = p
		a.mu.Unlock()
		a.group.Add(1)
		go func() { defer a.group.Done(); defer cancel(); a.execute(ctx, running, p, project, uuid, content) }()
	}
	for _, entry := range answer.State.Stopping {
		project, uuid := instance(entry)
		if !a.kill(uuid) {
			a.postStatus(ctx, project, uuid, "stopped", "stopped by the agent")
		}
	}
	for _, entry := range answer.State.Deleting {
		_, uuid := instance(entry)
		a.kill(uuid)
	}
}

// kill ends a run's process, and reports whether the run had one. In that case execute
// reports the end of the run, after its log was archived.
func (a *agent) kill(uuid string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pods[uuid]
	if p == nil || p.ended {
		return p != nil
	}
	p.cancel()
	return true
}

// instance parses owner.project.runs.uuid.
func instance(entry []any) (project, uuid string) {
	text, _ := entry[0].(string)
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return "", ""
	}
	return parts[1], parts[3]
}

// postStatus posts a status until the server accepts it, the run does not exist any more, or
// ctx is done.
func (a *agent) postStatus(ctx context.Context, project, uuid, status, message string) {
	now := a.now()
	at := now
	a.mu.Lock()
	if p := a.pods[uuid]; p != nil {
		if p.job.IsZero() {
			p.job = now
		}
		at = p.job
	}
	a.mu.Unlock()
	reported := newCondition(status, "TestAgent", message, now, at)
	for n := 0; ; n++ { // without options of its database some of the server's writes fail, and it may be down
		code, _ := reported.post(context.WithoutCancel(ctx), a.host, project, uuid)
		if code == http.StatusCreated || code == http.StatusNotFound {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond << min(n, 5)):
		}
	}
}

// now returns the time by the clock of the agent and its node.
func (a *agent) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Add(a.skew).UTC()
}

// execute runs a run until it ends or running is done, and reports how it ended.
func (a *agent) execute(ctx, running context.Context, p *pod, project, uuid, content string) {
	a.postStatus(ctx, project, uuid, "starting", "")
	a.postStatus(ctx, project, uuid, "running", "")
	err := program.Run(running, content, filepath.Join(a.data, uuid), func(text string) {
		at := a.now().Truncate(time.Microsecond)
		a.mu.Lock()
		defer a.mu.Unlock()
		if n := len(p.lines); n > 0 && !at.After(p.lines[n-1].at) {
			at = p.lines[n-1].at.Add(time.Microsecond)
		}
		p.lines = append(p.lines, podLine{at, text})
	})
	a.mu.Lock()
	p.ended = true
	_ = archive(a.data, uuid, "n", podName(uuid), p.lines)
	a.mu.Unlock()
	defer a.forget(uuid, p)
	switch {
	case running.Err() != nil:
		a.postStatus(ctx, project, uuid, "stopped", "stopped by the agent")
	case err != nil:
		a.postStatus(ctx, project, uuid, "failed", err.Error())
	default:
		a.postStatus(ctx, project, uuid, "succeeded", "")
	}
}

// forget removes a pod once its end was reported, unless another pod has replaced it.
func (a *agent) forget(uuid string, p *pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pods[uuid] == p {
		delete(a.pods, uuid)
	}
}
