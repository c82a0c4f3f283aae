package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// TestWrongNodeClock runs on a node whose clock is hours ahead of or behind that of a
// real server. Lines must be reported while the run is active, each once and in order,
// and no time may be negative.
func TestWrongNodeClock(t *testing.T) {
	t.Parallel()
	server, client := ownServer(t)
	for _, skew := range []time.Duration{5 * time.Hour, -5 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			server.Skew(skew)
			end := filepath.Join(t.TempDir(), "end")
			followed := followCounting(t, client, fmt.Sprintf(countingScript, end, 0))
			release := func() {
				if err := os.WriteFile(end, nil, 0o600); err != nil {
					t.Error(err)
				}
			}
			defer release()
			for range 5 { // so many responses, at least, had something new
				followed.until(t, int(followed.count.Load())+1)
			}
			release()
			outcome, err := followed.wait()
			if err != nil || outcome.Run.Status != polyaxon.Succeeded {
				t.Fatalf("it ended with %+v, %v", outcome, err)
			}
			followed.mustCount(t)
			if !between(0, outcome.Queued, time.Hour) || !between(0, outcome.Running, time.Hour) {
				t.Errorf("it was queued for %v and ran for %v", outcome.Queued, outcome.Running)
			}
		})
	}
}

// TestClockSkew has the runner's clock hours ahead of or behind the server's. The
// agent's clock, which sets the times of conditions and of the run, differs from both.
// Nothing may end too early or too late, no time may be negative, and lines must be
// reported once.
func TestClockSkew(t *testing.T) {
	for _, runner := range []time.Duration{-30 * time.Hour, 0, 30 * time.Hour} {
		for _, agent := range []time.Duration{-30 * time.Hour, 30 * time.Hour} {
			t.Run(fmt.Sprintf("runner %s, agent %s", runner, agent), func(t *testing.T) {
				s, c := &scriptedServer{printed: lines("a", "polyaxon-main", 60, time.Second)}, &clock{now: start.Add(runner)}
				at := func(d time.Duration) string { return start.Add(agent + d).Format(time.RFC3339Nano) }
				reach := func(status string) {
					s.reach(status, "", "")
					last := s.conditions[len(s.conditions)-1]
					last["last_transition_time"], last["last_update_time"] = at(0), at(time.Duration(-len(s.conditions))*time.Minute)
				}
				reach("queued")
				began := c.now
				c.step = func(int) {
					s.mu.Lock()
					defer s.mu.Unlock()
					past := c.now.Sub(began)
					s.shown = min(len(s.printed), max(s.shown, int((past-30*time.Second)/time.Second)))
					switch {
					case s.status == "queued" && past > 30*time.Second:
						reach("starting")
						reach("running")
					case s.status == "running" && past > 2*time.Minute:
						s.archived = len(s.printed)
						reach("succeeded")
						// The agent's clock was set back, and the server uses its times.
						s.overrides = map[string]any{"started_at": at(time.Minute), "finished_at": at(0), "wait_time": -3600, "duration": -1.5}
					}
				}
				sink, outcome, err := follow(t, s, c, run.FollowOptions{Logs: true, Limit: 3 * time.Minute})
				if err != nil || outcome.Run.Status != polyaxon.Succeeded {
					t.Fatalf("%+v, %v", outcome, err)
				}
				if want := []string{"queued", "starting", "running", "succeeded"}; !slices.Equal(sink.statuses, want) || len(sink.waits) > 0 {
					t.Errorf("the statuses are %q, and it waits for %q", sink.statuses, sink.waits)
				}
				if got, want := sink.of("a", "polyaxon-main"), wanted(s.printed, "a", "polyaxon-main"); !slices.Equal(got, want) {
					t.Errorf("%d lines were told of %d", len(got), len(want))
				}
				if !between(0, outcome.Queued, time.Hour+runner.Abs()+agent.Abs()) || !between(0, outcome.Running, time.Hour) {
					t.Errorf("it was queued for %v and ran for %v", outcome.Queued, outcome.Running)
				}
			})
		}
	}
}

// TestServersSumsAreNegative uses a server that returns no times and negative durations.
func TestServersSumsAreNegative(t *testing.T) {
	s, c := &scriptedServer{overrides: map[string]any{"wait_time": -3600, "duration": -1.5}}, &clock{now: start}
	s.reach("succeeded", "", "")
	_, outcome, err := follow(t, s, c, run.FollowOptions{})
	if err != nil || outcome.Times != (run.Times{}) {
		t.Errorf("%+v, %v: none of it is known", outcome, err)
	}
}

// between reports whether a time is known and in the given range.
func between(least time.Duration, d *time.Duration, most time.Duration) bool {
	return d != nil && least <= *d && *d <= most
}
