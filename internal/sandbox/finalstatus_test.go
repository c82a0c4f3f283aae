package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// TestFinalStatusSetByClient sets a run's final status through the API while its program is
// running. The program is stopped, the status stays, and the run can be resumed.
func TestFinalStatusSetByClient(t *testing.T) {
	s := join(t, t.TempDir())
	client, err := polyaxon.New(polyaxon.Options{Host: s.Polyaxon, Token: s.Token})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.EnsureProject(t.Context(), "ends"); err != nil {
		t.Fatal(err)
	}
	content := fmt.Sprintf(`{"version": 1.1, "kind": "operation", "component": {"kind": "component", "version": 1.1, "run": {"kind": "job",
		"container": {"image": %q, "command": ["/app/job", "print=begun", "sleep=600"]}}}}`, pushJob(t, s))
	made, err := client.CreateRun(t.Context(), "ends", polyaxon.CreateRun{Content: content})
	if err != nil {
		t.Fatal(err)
	}
	status := func() polyaxon.Status {
		now, _, err := client.Statuses(t.Context(), "ends", made.UUID)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	printed := func(line string) (times int) {
		q := polyaxon.LogQuery{Namespace: s.Namespace, Project: "ends", UUID: made.UUID, Kind: "job", Live: true, LastTime: time.Unix(0, 0)}
		if _, err := client.ReadLogs(t.Context(), q, func(l polyaxon.LogLine) error {
			if strings.Contains(l.Value, line) {
				times++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return times
	}
	until(t, "it begins", func() bool { return printed("begun") == 1 })

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Polyaxon+"/api/v1/default/ends/runs/"+made.UUID+"/statuses",
		strings.NewReader(`{"condition": {"type": "succeeded", "status": "True"}}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Token "+string(s.Token.Reveal()))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusCreated {
		t.Fatal(response, err)
	}
	_ = response.Body.Close()

	if _, err := client.Resume(t.Context(), "ends", made.UUID); err != nil {
		t.Fatal(err)
	}
	// The run starts again once its first execution has ended.
	until(t, "it begins again", func() bool { return status() == polyaxon.Running && printed("begun") == 2 })
	if err := client.Stop(t.Context(), "ends", made.UUID); err != nil {
		t.Fatal(err)
	}
	until(t, "it is stopped", func() bool { return status() == polyaxon.Stopped })
}

// until waits until done reports true, at most a minute.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 600 {
		if done() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: not within a minute", what)
}
