package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	sandboxpolyaxon "github.com/slipway-ci/slipway/internal/sandbox/polyaxon"
	"github.com/slipway-ci/slipway/internal/sandbox/registry"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

// stage is a platform whose requests can be made to fail, and a repository to deploy to
// it: an image, a secret, and two jobs that run one after the other. Each project starts
// empty: nothing has been pushed, synced or submitted for it.
//
// A job ends, with the status in ends, when its statuses are requested.
type stage struct {
	t      *testing.T
	name   string // begins the names of its projects, because stages share servers
	faults testenv.Faults
	dir    string
	direct *polyaxon.Client
	ends   atomic.Value // polyaxon.Status: how runs end; "" if they do not end
	hold   atomic.Value // func(uuid string) bool: reports whether a run does not end yet

	mu    sync.Mutex
	seen  func(n int, r *http.Request, answered bool)
	cases int
}

const stagedConfig = `project: "${PROJECT}"
registry: "%s/${PROJECT}"
cluster: {kubeconfig: {path: "%s"}, namespace: faults}
polyaxon: {host: "%s"}
images:
  data: {files: [data.txt]}
secrets:
  signing: {data: {key: "env:PROJECT"}}
jobs:
  prepare: {polyaxonfile: job.yml, image: data}
  train: {polyaxonfile: job.yml, image: data, after: [prepare]}
`

// stagedJob requests a resource that the sandbox does not have, so the job waits until
// the test posts its end. Other servers run its command until then.
const stagedJob = `version: 1.1
kind: component
inputs:
- {name: DOCKER_IMAGE, type: str}
run:
  kind: job
  container:
    image: "{{ DOCKER_IMAGE }}"
    command: [sleep, 60s]
    resources: {limits: {nvidia.com/gpu: 99}}
`

const stagedKubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: faults, cluster: {server: "%s"}}]
contexts: [{name: faults, context: {cluster: faults, user: faults}}]
users: [{name: faults, user: {}}]
current-context: faults
`

// addCredentials creates the Secret that jobs of a cluster mount by default.
func addCredentials(cluster http.Handler, namespace string) error {
	request := httptest.NewRequest(http.MethodPost, "/api/v1/namespaces/"+namespace+"/secrets",
		strings.NewReader(`{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gcp-sa-credentials"}}`))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	if cluster.ServeHTTP(answer, request); answer.Code != http.StatusCreated {
		return fmt.Errorf("create the credentials: %d: %s", answer.Code, answer.Body)
	}
	return nil
}

// sandboxServer returns the sandbox's Polyaxon server, without a sandbox around it.
func sandboxServer(t *testing.T) http.Handler { return serverOf(t, "2.18") }

// oldServer returns the sandbox's Polyaxon server as one of release 1.11.3.
func oldServer(t *testing.T) http.Handler { return serverOf(t, "1.11.3") }

func serverOf(t *testing.T, release string) http.Handler {
	server, err := sandboxpolyaxon.New(sandboxpolyaxon.Options{Dir: t.TempDir(), Namespace: "faults", Log: io.Discard, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return server
}

func newStage(t *testing.T, server http.Handler) *stage {
	s := &stage{t: t, dir: t.TempDir(), name: noName.ReplaceAllString(strings.ToLower(t.Name()), "-")}
	s.ends.Store(polyaxon.Succeeded)
	images, err := registry.New(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := kubernetes.New(t.TempDir(), "faults")
	if err != nil {
		t.Fatal(err)
	}
	if err := addCredentials(objects, "faults"); err != nil {
		t.Fatal(err)
	}
	behind := httptest.NewServer(server)
	t.Cleanup(behind.Close)
	if s.direct, err = polyaxon.New(polyaxon.Options{Host: behind.URL}); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"slipway.yaml":    fmt.Sprintf(stagedConfig, s.faults.Serve(t, images)[len("http://"):], filepath.Join(s.dir, "kubeconfig.yaml"), s.faults.Serve(t, server)),
		"kubeconfig.yaml": fmt.Sprintf(stagedKubeconfig, s.faults.Serve(t, objects)),
		"job.yml":         stagedJob,
		"data.txt":        "data",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.faults.Watch(s.watch)
	return s
}

var statusesOf = regexp.MustCompile(`^/api/v1/default/([^/]+)/runs/([0-9a-f]{32})/statuses$`)

// watch ends the runs whose statuses are requested.
func (s *stage) watch(n int, r *http.Request, answered bool) {
	s.mu.Lock()
	seen := s.seen
	s.mu.Unlock()
	if seen != nil {
		seen(n, r, answered)
	}
	match := statusesOf.FindStringSubmatch(r.URL.Path)
	if match == nil || r.Method != http.MethodGet || answered {
		return
	}
	ctx := context.Background()
	status, _, err := s.direct.Statuses(ctx, match[1], match[2])
	if err != nil || status.Terminal() {
		return
	}
	end, _ := s.ends.Load().(polyaxon.Status)
	if hold, ok := s.hold.Load().(func(uuid string) bool); ok && hold != nil && hold(match[2]) {
		end = ""
	}
	if status == polyaxon.Stopping {
		end = polyaxon.Stopped
	}
	if end == "" {
		end = polyaxon.Running
	}
	if err := s.direct.SetStatus(ctx, match[1], match[2], polyaxon.Condition{Type: end, Reason: "Test", Message: "as the test says"}); err != nil {
		s.t.Error(err)
	}
}

// project returns a name that no other test uses.
func (s *stage) project() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cases++
	return fmt.Sprintf("%s-%d", s.name, s.cases)
}

var noName = regexp.MustCompile(`[^a-z0-9]+`)

// during calls seen with each request until the caller calls end.
func (s *stage) during(seen func(n int, r *http.Request, answered bool)) (end func()) {
	set := func(f func(int, *http.Request, bool)) { s.mu.Lock(); s.seen = f; s.mu.Unlock() }
	set(seen)
	return func() { set(nil) }
}

// deploy deploys a project in this process and returns the exit code.
func (s *stage) deploy(ctx context.Context, project string, o tasks.DeployOptions) (int, error) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	_, err := tasks.Deploy(ctx, s.env(project, transport), o)
	return tasks.ExitCode(err), err
}

// env returns the environment of one command. Its clock advances at once when the command
// sleeps, so tests do not wait.
func (s *stage) env(project string, transport http.RoundTripper) *tasks.Env {
	var waited atomic.Int64
	return &tasks.Env{
		Dir: s.dir, Stdout: io.Discard, Events: silent{}, Environ: os.Environ(), Transport: transport, Version: "test", NoAttestations: true,
		Lookup: func(name string) (string, bool) { return project, name == "PROJECT" },
		Now:    func() time.Time { return time.Now().Add(time.Duration(waited.Load())) },
		Sleep: func(ctx context.Context, d time.Duration) error {
			waited.Add(int64(d))
			timer := time.NewTimer(min(d, time.Millisecond))
			defer timer.Stop()
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
				return nil
			}
		},
	}
}

type silent struct{}

// Event implements report.Sink.
func (silent) Event(report.Event) {}

// runs returns the number of runs of a project, by job and status.
func (s *stage) runs(project string) map[string]int {
	runs, _, err := s.direct.Runs(context.Background(), project, polyaxon.Query{Limit: 100})
	if err != nil && !polyaxon.IsNotFound(err) {
		s.t.Fatal(err)
	}
	count := map[string]int{}
	for i := range runs {
		count[runs[i].Name+" "+string(runs[i].Status)]++
	}
	return count
}

// mustBeOnce fails the test unless each job has exactly one run with the status end, and
// all other runs of these jobs were stopped.
func (s *stage) mustBeOnce(what, project string, end polyaxon.Status, jobs ...string) {
	s.t.Helper()
	count := s.runs(project)
	for _, job := range jobs {
		if count[job+" "+string(end)] != 1 {
			s.t.Errorf("%s: not one run of %s %s: %v", what, job, end, count)
		}
		delete(count, job+" "+string(end))
		delete(count, job+" stopped")
		delete(count, job+" stopping")
	}
	if len(count) > 0 {
		s.t.Errorf("%s: there are other runs: %v", what, count)
	}
}

// some returns every usual-th number from 1 to n, or every thorough-th in a thorough
// test, or all in an exhaustive one. The salt selects where the sequence begins.
func some(n, usual, thorough, salt int) []int {
	step := usual
	switch {
	case testenv.Exhaustive():
		step = 1
	case testenv.Thorough():
		step = thorough
	}
	var all []int
	for k := 1 + salt%step; k <= n; k += step {
		all = append(all, k)
	}
	return all
}
