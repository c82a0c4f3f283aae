package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

const stagedDag = `version: 1.1
kind: component
inputs:
- {name: DOCKER_IMAGE, type: str}
run:
  kind: dag
  operations:
  - name: first
    params: {DOCKER_IMAGE: {ref: dag, value: inputs.DOCKER_IMAGE}}
    component:
      inputs:
      - {name: DOCKER_IMAGE, type: str}
      run:
        kind: job
        container: {image: "{{ DOCKER_IMAGE }}", command: [sh, -c, "echo this is first; %s"]}
  - name: second
    dependencies: [first]
    params: {DOCKER_IMAGE: {ref: dag, value: inputs.DOCKER_IMAGE}}
    component:
      inputs:
      - {name: DOCKER_IMAGE, type: str}
      run:
        kind: job
        container: {image: "{{ DOCKER_IMAGE }}", command: [sh, -c, "echo this is second"]}
  - name: beside
    params: {DOCKER_IMAGE: {ref: dag, value: inputs.DOCKER_IMAGE}}
    component:
      inputs:
      - {name: DOCKER_IMAGE, type: str}
      run:
        kind: job
        container: {image: "{{ DOCKER_IMAGE }}", command: [sh, -c, "echo this is beside"]}
`

// TestDagIsFollowed deploys dags to a server that runs them: one that succeeds, and one
// with a failing operation, so that the operation that depends on it never runs. The
// lines of all operations are printed under their names. The exit code is that of the
// whole dag.
func TestDagIsFollowed(t *testing.T) {
	t.Parallel()
	s := newStage(t, testenv.Forward(t, shared.Polyaxon(t)))
	s.ends.Store(polyaxon.Running) // the server's agent ends the runs
	s.faults.Watch(nil)
	for _, test := range []struct {
		project, end string
		code         int
		says         []string
		lines        map[string]int
	}{
		{"dag-succeeds", "true", tasks.ExitOK, []string{"prepare: submitted, succeeded"}, map[string]int{"first": 1, "second": 1, "beside": 1}},
		{"dag-fails", "exit 3", tasks.ExitFailed, []string{"prepare: submitted, failed", "prepare/second  upstream_failed"}, map[string]int{"first": 1, "second": 0, "beside": 1}},
	} {
		t.Run(test.project, func(t *testing.T) {
			command := s.deploying(t, test.project, fmt.Sprintf(stagedDag, test.end))
			output, _ := command.CombinedOutput()
			if code := command.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit code %d", code)
			}
			for _, want := range test.says {
				if !strings.Contains(string(output), want) {
					t.Errorf("nothing says %q", want)
				}
			}
			for name, times := range test.lines {
				if line := fmt.Sprintf("  prepare/%s | this is %s\n", name, name); strings.Count(string(output), line) != times {
					t.Errorf("the output has %q %d times, want %d", line, strings.Count(string(output), line), times)
				}
			}
			if t.Failed() {
				t.Logf("the output:\n%s", output)
			}
		})
	}
}

// TestDagIsNotWaitedFor ends the watch over a dag while one of its operations is running:
// the dag is deleted, or its time limit passes. The command does not wait for the
// operation, and the time limit stops the dag.
func TestDagIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := newStage(t, testenv.Forward(t, shared.Polyaxon(t)))
	s.faults.Watch(nil)
	if err := os.WriteFile(filepath.Join(s.dir, "job.yml"), fmt.Appendf(nil, stagedDag, "sleep 600"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(s.dir, "slipway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		timeout string
		code    int
	}{
		"deleted":    {"", tasks.ExitLost},
		"time limit": {", timeout: 1s", tasks.ExitTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			limited := strings.Replace(string(config), "prepare: {polyaxonfile: job.yml, image: data", "prepare: {polyaxonfile: job.yml, image: data"+test.timeout, 1)
			if err := os.WriteFile(filepath.Join(s.dir, "slipway.yaml"), []byte(limited), 0o600); err != nil {
				t.Fatal(err)
			}
			project := s.project()
			env := s.env(project, &http.Transport{DisableKeepAlives: true})
			var once sync.Once
			env.Events = watching(func(e report.Event) {
				if name == "deleted" && e.Kind == report.Line && e.Subject == "prepare/first" {
					once.Do(func() { s.deleteDag(t, project) })
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // ends the test if the command hangs
			defer cancel()
			result, err := tasks.Deploy(ctx, env, tasks.DeployOptions{Jobs: []string{"prepare"}})
			if code := tasks.ExitCode(err); code != test.code {
				t.Fatalf("exit code %d: %v", code, err)
			}
			if name != "time limit" {
				return
			}
			for {
				status, _, err := s.direct.Statuses(ctx, project, result.Jobs[0].UUID)
				if err != nil {
					t.Fatal(err)
				}
				if status == polyaxon.Stopped {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
}

// deleteDag deletes the dag of a project.
func (s *stage) deleteDag(t *testing.T, project string) {
	runs, _, err := s.direct.Runs(context.Background(), project, polyaxon.Query{Query: "kind:dag"})
	if err != nil || len(runs) != 1 {
		t.Errorf("%v, %v", runs, err)
		return
	}
	if err := s.direct.Delete(context.Background(), project, runs[0].UUID); err != nil {
		t.Error(err)
	}
}
