package run

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// fakeServer is a Polyaxon server for submissions whose faults a test can choose. It does
// nothing by itself to prevent duplicate runs.
type fakeServer struct {
	t      *testing.T
	client *polyaxon.Client

	mu   sync.Mutex
	runs []*fakeRun // in the order in which they were committed
	now  time.Time
	// creates counts the requests for a run.
	creates int
	// create, when set, returns the fault of the nth request for a run, counted from 1.
	create func(n int) fault
	// query, when set, overrides the response to a list's query with an error or an empty
	// list.
	query func(text string) (code int, runs bool)
	// lag is the number of lists that leave out the newest runs.
	lag int
}

type fakeRun struct {
	uuid, name, status string
	message            string
	created            time.Time
	meta               map[string]any
	deleted            bool
}

// fault is what happens to a request for a run.
type fault struct {
	// twice creates two runs, and never creates none.
	twice, never bool
	// late creates the run only when release is called.
	late bool
	// code is the status code of the response, whether the run was created or not. 0 stands
	// for the true one, and -1 closes the connection without a response.
	code int
	// hold delays the response until the channel is closed.
	hold chan struct{}
}

func newFakeServer(t *testing.T) *fakeServer {
	f := &fakeServer{t: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	var err error
	quickly := func(ctx context.Context, _ time.Duration) error { return clock.Sleep(ctx, time.Millisecond) }
	if f.client, err = polyaxon.New(polyaxon.Options{Host: server.URL, Sleep: quickly}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fakeServer) submission(key string) Submission {
	return Submission{Project: "p", Name: "train", Content: "{}", Key: key, Sleep: func(ctx context.Context, _ time.Duration) error { return clock.Sleep(ctx, time.Millisecond) }}
}

// add adds an existing run and returns its UUID.
func (f *fakeServer) add(key, status string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.make("train", status, map[string]any{MetaKey: key}).uuid
}

func (f *fakeServer) make(name, status string, meta map[string]any) *fakeRun {
	f.now = f.now.Add(time.Second)
	r := &fakeRun{uuid: fmt.Sprintf("%032x", len(f.runs)+1), name: name, status: status, created: f.now, meta: meta}
	f.runs = append(f.runs, r)
	return r
}

func (f *fakeServer) statusOf(uuid string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.run(uuid).status
}

func (f *fakeServer) run(uuid string) *fakeRun {
	for _, r := range f.runs {
		if r.uuid == uuid {
			return r
		}
	}
	return nil
}

// alive returns the UUIDs of the active runs.
func (f *fakeServer) alive() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, r := range f.runs {
		if !r.deleted && !polyaxon.Status(r.status).Terminal() && r.status != "stopping" {
			all = append(all, r.uuid)
		}
	}
	return all
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, _ := strings.CutPrefix(r.URL.Path, "/api/v1/default/p/runs")
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	switch {
	case rest == "" && r.Method == http.MethodPost:
		f.post(w, r)
		return
	case rest == "":
		f.list(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	run := f.run(parts[0])
	switch {
	case run == nil:
		w.WriteHeader(http.StatusNotFound)
		answer(w, map[string]string{"detail": "No Run matches the given query."})
	case len(parts) == 1:
		answer(w, run.view())
	case parts[1] == "statuses":
		answer(w, map[string]any{"status": run.status, "status_conditions": []any{map[string]string{"type": run.status, "reason": "Test", "message": run.message}}})
	case parts[1] == "stop":
		if !polyaxon.Status(run.status).Terminal() {
			run.status = "stopping"
		}
		answer(w, map[string]string{})
	}
}

func (r *fakeRun) view() map[string]any {
	return map[string]any{"uuid": r.uuid, "name": r.name, "status": r.status, "created_at": r.created.Format(time.RFC3339Nano), "meta_info": r.meta, "kind": "job"}
}

func (f *fakeServer) post(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name, Content string
		MetaInfo      map[string]any `json:"meta_info"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	f.creates++
	do := fault{}
	if f.create != nil {
		do = f.create(f.creates)
	}
	var made *fakeRun
	for n := 0; !do.never && n < 1+map[bool]int{true: 1}[do.twice]; n++ {
		made = f.make(body.Name, "queued", body.MetaInfo)
		if made.deleted = do.late; body.Content == "bad" {
			made.status, made.message = "failed", "Failed to compile.\nCompilation Error: no such input"
		}
	}
	f.mu.Unlock()
	if do.hold != nil {
		select {
		case <-do.hold:
		case <-r.Context().Done():
		}
	}
	switch {
	case do.code < 0:
		panic(http.ErrAbortHandler)
	case do.code > 0:
		w.WriteHeader(do.code)
	default:
		w.WriteHeader(http.StatusCreated)
		answer(w, map[string]any{"uuid": made.uuid, "name": made.name, "meta_info": made.meta}) // as 1.11.3 does
	}
}

func (f *fakeServer) list(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := r.URL.Query().Get("query")
	if f.query != nil && strings.HasPrefix(text, "meta_info.") {
		if code, found := f.query(text); code != 0 || !found {
			w.WriteHeader(max(code, http.StatusOK))
			answer(w, map[string]any{"count": 0, "results": []any{}})
			return
		}
	}
	key, value, _ := strings.Cut(text, ":")
	found := []any{}
	visible := len(f.runs)
	if f.lag > 0 {
		f.lag--
		visible--
	}
	for i := visible - 1; i >= 0; i-- {
		x := f.runs[i]
		field, _ := x.meta[strings.TrimPrefix(key, "meta_info.")].(string)
		if key == "name" {
			field = x.name
		}
		if !x.deleted && field == value {
			found = append(found, x.view())
		}
	}
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	page := found[min(offset, len(found)):]
	answer(w, map[string]any{"count": len(found), "results": page[:min(limit, len(page))]})
}

// release makes the runs appear that were created late.
func (f *fakeServer) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.runs {
		r.deleted = false
	}
}

func answer(w http.ResponseWriter, body any) { _ = json.NewEncoder(w).Encode(body) }
