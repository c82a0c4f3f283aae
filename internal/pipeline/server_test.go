package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// server is a Polyaxon server whose runs do nothing: a test decides how each one ends.
type server struct {
	t *testing.T
	// ends is called with s.mu held, whenever the status of an active run is requested. It
	// may end the run by setting its fields.
	ends func(s *server, r *oneRun)

	mu   sync.Mutex
	runs []*oneRun
	// most is the largest number of runs that were active at once.
	most int
}

type oneRun struct {
	uuid, name, content string
	meta                map[string]any
	status, reason      string
	asked               int // requests for its status
	outputs, metrics    map[string]any
}

func (r *oneRun) active() bool { return !polyaxon.Status(r.status).Terminal() }

// x returns the value of the param x.
func (r *oneRun) x() float64 {
	var operation struct {
		Params struct{ X struct{ Value float64 } }
	}
	_ = json.Unmarshal([]byte(r.content), &operation) // 0 if there is none
	return operation.Params.X.Value
}

// succeed ends each run as soon as it is asked for.
func succeed(_ *server, r *oneRun) { r.status = "succeeded" }

// fail ends the runs with these names in failure, and the others in success.
func fail(names ...string) func(*server, *oneRun) {
	return func(_ *server, r *oneRun) {
		if r.status = "succeeded"; slices.Contains(names, r.name) {
			r.status = "failed"
		}
	}
}

func (s *server) active() (n int) {
	for _, r := range s.runs {
		if r.active() {
			n++
		}
	}
	return n
}

// named returns the runs with this name, in the order of their creation.
func (s *server) named(name string) (all []*oneRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.runs {
		if r.name == name {
			all = append(all, r)
		}
	}
	return all
}

// created returns the names of the runs, in the order of their creation.
func (s *server) created() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, r := range s.runs {
		names = append(names, r.name)
	}
	return strings.Join(names, " ")
}

func (s *server) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var answer any
	switch _, rest, _ := strings.Cut(request.URL.Path, "/p/runs"); {
	case rest == "" && request.Method == http.MethodPost:
		answer = s.create(request)
	case rest == "":
		answer = s.list(request.URL.Query().Get("query"))
	default:
		uuid, what, _ := strings.Cut(strings.Trim(rest, "/"), "/")
		n := slices.IndexFunc(s.runs, func(r *oneRun) bool { return r.uuid == uuid })
		if n < 0 {
			http.NotFound(w, request)
			return
		}
		answer = s.one(s.runs[n], what, request)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.t.Error(err)
	}
}

func (s *server) create(request *http.Request) any {
	var body struct {
		Name, Content string
		MetaInfo      map[string]any `json:"meta_info"`
	}
	if err := json.NewDecoder(request.Body).Decode(&body); err != nil {
		s.t.Error(err)
	}
	r := &oneRun{uuid: fmt.Sprintf("%032x", len(s.runs)+1), name: body.Name, content: body.Content, meta: body.MetaInfo, status: "scheduled"}
	s.runs = append(s.runs, r)
	s.most = max(s.most, s.active())
	return r.view()
}

func (s *server) list(query string) any {
	found := []any{}
	for _, r := range slices.Backward(s.runs) {
		matches := true
		for one := range strings.SplitSeq(query, ",") {
			key, value, _ := strings.Cut(one, ":")
			field, _ := r.view()[key].(string)
			if key, of := strings.CutPrefix(key, "meta_info."); of {
				field, _ = r.meta[key].(string)
			}
			matches = matches && field == value
		}
		if matches {
			found = append(found, r.view())
		}
	}
	return map[string]any{"count": len(found), "results": found}
}

func (s *server) one(r *oneRun, what string, request *http.Request) any {
	switch what {
	case "statuses":
		if r.asked++; r.active() && s.ends != nil {
			s.ends(s, r)
		}
		return map[string]any{"status": r.status, "status_conditions": []any{map[string]string{"type": r.status, "reason": r.reason, "message": "it says " + r.status}}}
	case "":
		if request.Method == http.MethodPatch {
			var body struct {
				MetaInfo map[string]any `json:"meta_info"`
			}
			if err := json.NewDecoder(request.Body).Decode(&body); err != nil {
				s.t.Error(err)
			}
			maps.Copy(r.meta, body.MetaInfo)
		}
	case "stop":
		if r.active() {
			r.status = "stopped"
		}
	case "logs":
		return map[string]any{"logs": []any{}}
	case "artifacts/tree":
		files := map[string]int{}
		for name := range r.metrics {
			if request.URL.Query().Get("path") == "events/metric" {
				files[name+".plx"] = 1
			}
		}
		return map[string]any{"files": files, "dirs": []string{}}
	case "events/metric":
		data := []any{}
		for name, value := range r.metrics {
			data = append(data, map[string]any{"name": name, "data": map[string]any{"step": []int{1}, "metric": []any{value}}})
		}
		return map[string]any{"data": data}
	}
	return r.view()
}

func (r *oneRun) view() map[string]any {
	return map[string]any{"uuid": r.uuid, "name": r.name, "status": r.status, "kind": "job", "meta_info": r.meta, "outputs": r.outputs, "created_at": "2026-11-24T12:00:00Z"}
}

// job is a Polyaxonfile with inputs.
const job = "{version: 1.1, kind: component, inputs: [{name: x, type: float, isOptional: true, value: 0}, {name: y, type: str, isOptional: true, value: ''}], run: {kind: job, container: {image: a, args: ['{{ x }}', '{{ y }}']}}}\n"

// matrix returns an operation whose matrix gives x the values 1 to n.
func matrix(n int, more string) string {
	return fmt.Sprintf("version: 1.1\nkind: operation\nmatrix: {kind: grid, params: {x: {kind: range, value: {start: 1, stop: %d, step: 1}}}%s}\ncomponent: %s", n+1, more, job)
}

// connect starts s and returns a pipeline with this slipway.yaml, and the jobs in order.
func connect(t *testing.T, s *server, jobs string, files map[string]string, names ...string) (*pipeline.Pipeline, []*config.Job) {
	t.Helper()
	s.t = t
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	dir := t.TempDir()
	texts := map[string]string{"slipway.yaml": "project: p\npolyaxon: {host: '" + listening.URL + "'}\njobs:\n" + jobs, "a.yml": job}
	for name, text := range files {
		texts[name] = text
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := project.Open(t.Context(), &project.Env{
		Dir: dir, Events: project.NewRecorder(report.Discard{}, time.Now), Lookup: func(string) (string, bool) { return "", false }, Now: time.Now, Transport: http.DefaultTransport,
		Sleep: func(ctx context.Context, _ time.Duration) error { return clock.Sleep(ctx, time.Millisecond) },
	})
	if err != nil {
		t.Fatal(err)
	}
	to, err := platform.Connect(t.Context(), p, platform.Uses{Runs: true})
	if err != nil {
		t.Fatal(err)
	}
	var list []*config.Job
	for _, name := range names {
		list = append(list, p.Job(name))
	}
	return &pipeline.Pipeline{Platform: to}, list
}
