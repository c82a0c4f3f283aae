package tasks_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/slipway-ci/slipway/tasks"
)

// TestSmallestEnv runs tasks in an Env with only the fields that are required. Requests reach
// the server, and events are in the Result.
func TestSmallestEnv(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer server.Close()
	dir := t.TempDir()
	text := "project: smallest\nregistry: 127.0.0.1:1/team\npolyaxon: {host: '" + server.URL + "'}\nimages: {a: {files: [slipway.yaml]}}\n"
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := &tasks.Env{Dir: dir, Lookup: os.LookupEnv}
	result, err := tasks.Plan(t.Context(), env, tasks.PlanOptions{Offline: true})
	if err != nil || len(result.Events) == 0 {
		t.Errorf("plan: %+v, %v", result, err)
	}
	_, err = tasks.Runs(t.Context(), env, tasks.RunsOptions{})
	if code := tasks.ExitCode(err); requests.Load() == 0 || code != tasks.ExitStep {
		t.Errorf("%d requests, exit code %d: %v", requests.Load(), code, err)
	}
}
