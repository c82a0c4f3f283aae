package polyaxon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/secret"
)

// emptyCluster is a cluster without Secrets and ConfigMaps.
type emptyCluster struct{}

func (emptyCluster) Secret(string, string) (map[string][]byte, bool)    { return nil, false }
func (emptyCluster) ConfigMap(string, string) (map[string][]byte, bool) { return nil, false }

// serve returns a server that gets images from pull, with a project p.
func serve(t *testing.T, capacity *Capacity, pull func(context.Context, string) (v1.Image, error)) *Server {
	t.Helper()
	dir := t.TempDir()
	s, err := New(Options{
		Dir: dir, Cluster: emptyCluster{}, Runtime: container.New(container.Options{Dir: dir, Pull: pull, Unisolated: "a test"}),
		Namespace: "test", Host: "http://127.0.0.1:1", Token: secret.NewValue([]byte("t")), Log: io.Discard, Capacity: capacity,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	if code, answer := ask(t, s, http.MethodPost, "/api/v1/default/projects/create", `{"name": "p"}`); code != http.StatusCreated {
		t.Fatal(answer)
	}
	return s
}

func ask(t *testing.T, s *Server, method, path, body string) (code int, answer map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		answer = map[string]any{"text": w.Body.String()}
	}
	return w.Code, answer
}

// submit creates a run of a job that requests CPUs, and returns its UUID.
func submit(t *testing.T, s *Server, name, cpus string) string {
	t.Helper()
	operation := fmt.Sprintf(`{"version": 1.1, "kind": "operation", "name": %q, "component": {"version": 1.1, "kind": "component", "run": {"kind": "job",
		"container": {"image": "registry.test/a:1", "command": ["/a"], "resources": {"requests": {"cpu": %q}}}}}}`, name, cpus)
	body, err := json.Marshal(map[string]string{"content": operation, "name": name})
	if err != nil {
		t.Fatal(err)
	}
	code, answer := ask(t, s, http.MethodPost, "/api/v1/default/p/runs", string(body))
	if code != http.StatusCreated {
		t.Fatal(answer)
	}
	return answer["uuid"].(string)
}

// reaches waits until a run's last condition is a wanted one.
func reaches(t *testing.T, s *Server, uuid string, wanted func(condition) bool) condition {
	t.Helper()
	var last condition
	for range 1000 {
		r, _ := s.store.run(uuid)
		if last = r.Conditions[len(r.Conditions)-1]; wanted(last) {
			return last
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("run %s stays %+v", uuid, last)
	return last
}

// TestRunsFailOnPermanentPullErrors uses images that no retry can pull.
func TestRunsFailOnPermanentPullErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		err    error
		reason string
		says   []string
	}{
		{"the disk is full", fmt.Errorf("layer: %w", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), "DiskFull",
			[]string{"registry.test/a:1", "the disk is full", "free some space", "slipway sandbox reset"}},
		{"a blob is damaged", &LostImageError{Reference: "registry.test/a:1", Err: errors.New("blob sha256:12: 404 Not Found")}, "ErrImagePull",
			[]string{"registry.test/a:1", "sha256:12", "slipway build --verify"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, nil, func(context.Context, string) (v1.Image, error) { return nil, test.err })
			last := reaches(t, s, submit(t, s, "job", "1m"), func(c condition) bool { return terminal(c.Type) })
			if last.Type != failed || last.Reason != test.reason {
				t.Errorf("the end is %+v", last)
			}
			for _, want := range test.says {
				if !strings.Contains(last.Message, want) {
					t.Errorf("%q does not say %q", last.Message, want)
				}
			}
		})
	}
}

// TestPanicFailsItsRun panics while a run is executed. The run fails with the panic as its
// message, and the server keeps running.
func TestPanicFailsItsRun(t *testing.T) {
	s := serve(t, nil, func(context.Context, string) (v1.Image, error) { panic("provoked") })
	for range 2 {
		last := reaches(t, s, submit(t, s, "job", "1m"), func(c condition) bool { return terminal(c.Type) })
		if last.Type != failed || last.Reason != "SandboxFault" || !strings.Contains(last.Message, "this is a bug in slipway (panic: provoked); please report it") {
			t.Errorf("the end is %+v", last)
		}
	}
}

// TestRunsNameTheRunsTheyWaitFor runs a job that must wait for CPUs that another run uses.
func TestRunsNameTheRunsTheyWaitFor(t *testing.T) {
	s := serve(t, &Capacity{MilliCPU: 2000, Memory: 1 << 30}, func(ctx context.Context, _ string) (v1.Image, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	first := submit(t, s, "first", "1500m")
	reaches(t, s, first, func(c condition) bool { return c.Type == starting })
	second := submit(t, s, "second", "1")
	last := reaches(t, s, second, func(c condition) bool { return c.Reason == reasonBusy })
	want := "the run needs 1 CPUs of this machine's 2 CPUs: run first (" + first[:8] + ") has 1.5 CPUs; it starts when enough resources are free"
	if last.Type != queued || last.Message != want {
		t.Errorf("it is %s: %q, want %q", last.Type, last.Message, want)
	}
	if code, answer := ask(t, s, http.MethodPost, "/api/v1/default/p/runs/"+first+"/stop", ""); code != http.StatusOK {
		t.Fatal(code, answer)
	}
	reaches(t, s, second, func(c condition) bool { return c.Type == starting })
}

// TestJoinsAreRejected submits an operation with an input whose value comes from a query
// of other runs.
func TestJoinsAreRejected(t *testing.T) {
	s := serve(t, nil, nil)
	body, err := json.Marshal(map[string]string{"content": `{"version": 1.1, "kind": "operation", "joins": [{"query": "status: succeeded", "params": {"us": {"value": "globals.uuid"}}}],
		"component": {"version": 1.1, "kind": "component", "inputs": [{"name": "us", "type": "uuid", "isList": true}], "run": {"kind": "job", "container": {"image": "a"}}}}`})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/default/p/runs", strings.NewReader(string(body))))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "joins") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
