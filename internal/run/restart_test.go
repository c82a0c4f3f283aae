package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// countingScript prints numbered lines until a file exists, then a last line, and exits with a
// code.
const countingScript = `n=0; while [ ! -e '%s' ]; do n=$((n+1)); echo "line $n"; sleep 0.03; done; echo "the last of $n"; exit %d`

// ownServer starts a real server for one test. Its agent runs shells, and it has the
// project p.
func ownServer(t *testing.T) (*testenv.Haupt, *polyaxon.Client) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the run is a shell's")
	}
	server := testenv.NewHaupt(t)
	client, err := polyaxon.New(polyaxon.Options{Host: server.Host})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.EnsureProject(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// TestServerRestarts stops the process of a real server while a run is followed, and
// starts it again. Every line must be reported once and in order, and so must the end of
// the run, even if the run ends while the server is down.
func TestServerRestarts(t *testing.T) {
	server, client := ownServer(t)
	for i, test := range []struct {
		name string
		stop func()
		// meanwhile reports whether the run ends before the server is back, rather than after
		// that.
		meanwhile bool
		exit      int
		want      polyaxon.Status
	}{
		{"SIGKILL", server.Kill, false, 0, polyaxon.Succeeded},
		{"SIGTERM", server.Stop, false, 3, polyaxon.Failed},
		{"SIGKILL, and the run ends meanwhile", server.Kill, true, 3, polyaxon.Failed},
		{"SIGTERM, and the run ends meanwhile", server.Stop, true, 0, polyaxon.Succeeded},
	} {
		if i%2 == 1 && !testenv.Thorough() {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			end := filepath.Join(t.TempDir(), "end")
			followed := followCounting(t, client, fmt.Sprintf(countingScript, end, test.exit))
			release := func() {
				if err := os.WriteFile(end, nil, 0o600); err != nil {
					t.Error(err)
				}
			}
			defer release()
			followed.until(t, 20)
			test.stop()
			if test.meanwhile {
				release()
			}
			server.Start()
			if !test.meanwhile {
				followed.until(t, int(followed.count.Load())+20)
				release()
			}
			outcome, err := followed.wait()
			if err != nil || outcome.Run.Status != test.want {
				t.Fatalf("it ended with %+v, %v, want %s", outcome, err, test.want)
			}
			followed.mustCount(t)
		})
	}
}

// following is a run that is followed in the background.
type following struct {
	sink    *countingSink
	count   *atomic.Int64
	ended   chan struct{}
	outcome *run.Outcome
	err     error
}

// countingSink is a sink that counts lines.
type countingSink struct {
	recorder
	count *atomic.Int64
}

// Line implements run.Sink.
func (s *countingSink) Line(l polyaxon.LogLine) {
	s.recorder.Line(l)
	s.count.Add(1)
}

// followCounting starts a run of a shell script and follows it.
func followCounting(t *testing.T, client *polyaxon.Client, script string) *following {
	t.Helper()
	container := map[string]any{"image": "none", "command": []string{"sh", "-c", script}}
	content, err := json.Marshal(map[string]any{"version": 1.1, "kind": "operation", "component": map[string]any{"run": map[string]any{"kind": "job", "container": container}}})
	if err != nil {
		t.Fatal(err)
	}
	created, err := client.CreateRun(t.Context(), "p", polyaxon.CreateRun{Content: string(content)})
	if err != nil {
		t.Fatal(err)
	}
	f := &following{count: new(atomic.Int64), ended: make(chan struct{})}
	f.sink = &countingSink{count: f.count}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // in case it hangs
	go func() {
		defer close(f.ended)
		defer cancel()
		target := run.Target{Namespace: "ns", Project: "p", UUID: created.UUID, Kind: "job"}
		f.outcome, f.err = run.Follow(ctx, client, target, run.FollowOptions{Logs: true}, f.sink)
	}()
	return f
}

// until waits until the given number of lines was reported.
func (f *following) until(t *testing.T, lines int) {
	t.Helper()
	for f.count.Load() < int64(lines) {
		select {
		case <-f.ended:
			t.Fatalf("it ended after %d lines: %+v, %v", f.count.Load(), f.outcome, f.err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (f *following) wait() (*run.Outcome, error) {
	<-f.ended
	return f.outcome, f.err
}

// mustCount fails the test unless every line was reported once and in order.
func (f *following) mustCount(t *testing.T) {
	t.Helper()
	lines := f.sink.lines
	for i, line := range lines {
		want := fmt.Sprintf("line %d", i+1)
		if i == len(lines)-1 {
			want = fmt.Sprintf("the last of %d", i)
		}
		if line.Value != want {
			t.Fatalf("line %d of %d is %q, want %q; notes: %q", i+1, len(lines), line.Value, want, f.sink.notes)
		}
	}
}
