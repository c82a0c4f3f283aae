package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestStopIsReported checks what is reported about a run that never starts: slipway stops
// it because it was pending for too long or because the command was interrupted, or
// leaves it running (on-cancel: leave). The events, the summary and the JSON Result have
// its status.
func TestStopIsReported(t *testing.T) {
	s := newStage(t, sandboxServer(t))
	s.faults.Watch(func(int, *http.Request, bool) {}) // the run is never given another status
	config := filepath.Join(s.dir, "slipway.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		leave         bool
		pending       time.Duration
		status, event string
		code          int
	}{
		"--fail-pending":  {false, 50 * time.Millisecond, "stopped", "stopped", tasks.ExitPending},
		"Ctrl-C":          {false, 0, "stopped", "stopped", tasks.ExitInterrupted},
		"on-cancel:leave": {true, 0, "unschedulable", "keeps running (on-cancel: leave)", tasks.ExitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			jobs := string(text)
			if test.leave {
				jobs = strings.Replace(jobs, "image: data}", "image: data, on-cancel: leave}", 1)
			}
			if err := os.WriteFile(config, []byte(jobs), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var said []string
			env := s.env(s.project(), http.DefaultTransport)
			env.Events = watching(func(e report.Event) {
				said = append(said, e.Status, e.Message)
				if test.pending == 0 && e.Waits {
					cancel()
				}
			})
			result, err := tasks.Deploy(ctx, env, tasks.DeployOptions{Jobs: []string{"prepare"}, FailPending: test.pending})
			if code := tasks.ExitCode(err); code != test.code || len(result.Jobs) != 1 || result.Jobs[0].Status != test.status {
				t.Fatalf("%v; %+v", err, result.Jobs)
			}
			if pending := new(tasks.PendingError); errors.As(err, &pending) && !strings.Contains(pending.Why, "nvidia.com/gpu") {
				t.Error(pending)
			}
			var b strings.Builder
			if err := printer.Text(&b, result, printer.Page{}); err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(said, "\n"); !strings.Contains(all, test.event) || !strings.Contains(b.String(), "prepare: submitted, "+test.status+", run ") {
				t.Errorf("%s\n%s", all, b.String())
			}
		})
	}
}
