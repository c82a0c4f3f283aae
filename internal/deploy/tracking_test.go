package deploy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestExperimentAtAddress checks that the experiment is created once, with the credentials, before the first of
// the runs that start together, and that a plan does not create it.
func TestExperimentAtAddress(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"there": http.StatusOK, "refused": http.StatusForbidden} {
		var created, warned atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != "anna" || password != "canary" || r.URL.Path != "/api/2.0/mlflow/experiments/create" {
				t.Errorf("%s by %s with %s", r.URL.Path, user, password)
			}
			created.Add(1)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"experiment_id": "7"}`)
		}))
		defer server.Close()
		events := eventFunc(func(e report.Event) {
			if e.Kind == report.Warning {
				warned.Add(1)
			}
		})
		dir := t.TempDir()
		text := "project: churn\nmlflow: {tracking-uri: '" + server.URL + "', experiment: churn, username: anna, password: 'env:PASSWORD'}\njobs: {train: {polyaxonfile: a.yml}}\n"
		if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := project.Open(t.Context(), &project.Env{
			Dir: dir, Events: project.NewRecorder(events, time.Now), Now: time.Now, Transport: http.DefaultTransport,
			Lookup: func(name string) (string, bool) { return "canary", name == "PASSWORD" },
		})
		if err != nil {
			t.Fatal(err)
		}
		d := &Deployment{Platform: &platform.Platform{Project: p}, Jobs: []*config.Job{p.Job("train")}}
		d.addTracking()
		if err := d.checkServices(t.Context()); err != nil || created.Load() > 0 {
			t.Errorf("%s: a check creates %d experiments: %v", name, created.Load(), err)
		}
		tracking := d.pipeline().Tracking
		if tracking == nil || tracking.Placeholder() != server.URL {
			t.Fatalf("%s: the tracking server is %v", name, tracking)
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if address, err := tracking.Address(t.Context()); err != nil || address != server.URL || created.Load() != 1 {
					t.Errorf("%s: %s, %v, with %d experiments", name, address, err, created.Load())
				}
			})
		}
		group.Wait()
		if want := map[bool]int32{true: 0, false: 1}[status == http.StatusOK]; warned.Load() != want {
			t.Errorf("%s: %d warnings, want %d", name, warned.Load(), want)
		}
	}
}

// eventFunc receives events.
type eventFunc func(report.Event)

func (f eventFunc) Event(e report.Event) { f(e) }
