package run_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

func TestStatusesAreReportedOnce(t *testing.T) {
	s, c := &scriptedServer{}, &clock{now: start}
	s.reach("created", "", "")
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch n {
		case 1:
			s.reach("queued", "", "")
		case 3:
			s.reach("sublimating", "", "") // a status that is not known
		case 5:
			s.conditions[len(s.conditions)-1]["last_update_time"] = c.now.Format(time.RFC3339)
		case 7:
			s.reach("running", "", "")
		case 9:
			s.reach("succeeded", "", "")
		}
	}
	sink, outcome, err := follow(t, s, c, run.FollowOptions{Logs: true})
	if err != nil || outcome.Run.Status != polyaxon.Succeeded {
		t.Fatal(outcome, err)
	}
	if want := []string{"created", "queued", "sublimating", "running", "succeeded"}; !slices.Equal(sink.statuses, want) {
		t.Errorf("the statuses are %q, want %q", sink.statuses, want)
	}
}

// TestUnknownFinalStatus has a run end with a status that is not known. That is an end, but
// not a success.
func TestUnknownFinalStatus(t *testing.T) {
	s, c := &scriptedServer{finished: true}, &clock{now: start}
	s.reach("sublimated", "", "")
	_, outcome, err := follow(t, s, c, run.FollowOptions{})
	if err != nil || outcome.Run.Status != "sublimated" {
		t.Fatal(outcome, err)
	}
}

func TestTimeLimit(t *testing.T) {
	s, c := &scriptedServer{printed: lines("a", "polyaxon-main", 3, time.Second), shown: 3}, &clock{now: start}
	s.reach("running", "", "")
	_, _, err := follow(t, s, c, run.FollowOptions{Logs: true, Limit: 5 * time.Minute})
	var limit *run.LimitError
	if !errors.As(err, &limit) || limit.Limit != 5*time.Minute || len(limit.LastLines) != 3 {
		t.Fatalf("the error is %v", err)
	}
	if past := c.now.Sub(start); past < 5*time.Minute || past > 5*time.Minute+2*time.Second {
		t.Errorf("it came after %s", past)
	}
}

func TestLostContact(t *testing.T) {
	s, c := &scriptedServer{}, &clock{now: start}
	s.reach("running", "", "")
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut = func() bool { return n > 5 }
	}
	_, _, err := follow(t, s, c, run.FollowOptions{Patience: time.Minute})
	var lost *run.LostError
	if !errors.As(err, &lost) || lost.Silence < time.Minute || lost.Silence > time.Minute+2*time.Second {
		t.Fatalf("the error is %v", err)
	}
}

// TestPollIntervalFollowsTheServer checks that a fast server is polled often, so that the
// end of a run is seen soon, and a slow server seldom.
func TestPollIntervalFollowsTheServer(t *testing.T) {
	for took, longest := range map[time.Duration]time.Duration{0: 150 * time.Millisecond, 40 * time.Millisecond: 400 * time.Millisecond, 5 * time.Second: time.Second} {
		s, c := &scriptedServer{}, &clock{now: start}
		s.reach("running", "", "")
		s.cut = func() bool { c.now = c.now.Add(took); return false }
		most := time.Duration(0)
		c.step = func(n int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			most = max(most, c.slept)
			if n == 30 {
				s.reach("succeeded", "", "")
			}
		}
		if _, _, err := follow(t, s, c, run.FollowOptions{}); err != nil {
			t.Fatal(err)
		}
		if most != longest {
			t.Errorf("a server that takes %s is asked every %s at the most, want %s", took, most, longest)
		}
	}
}

// TestSlowLinesDoNotDelayTheEnd uses a server that is slow to return lines. Lines must be
// requested seldom, and the status as often as otherwise.
func TestSlowLinesDoNotDelayTheEnd(t *testing.T) {
	s, c := &scriptedServer{printed: lines("a", "polyaxon-main", 3, time.Second), shown: 3, archived: 3}, &clock{now: start}
	s.reach("running", "", "")
	var statuses, logs []time.Time
	s.asked = func(path string) {
		switch {
		case s.status != "running":
		case strings.HasSuffix(path, "/statuses"):
			statuses = append(statuses, c.now)
		case strings.HasSuffix(path, "/logs"):
			logs = append(logs, c.now)
			c.now = c.now.Add(60 * time.Millisecond)
		}
	}
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n == 60 {
			s.reach("succeeded", "", "")
		}
	}
	if sink, _, err := follow(t, s, c, run.FollowOptions{Logs: true}); err != nil || len(sink.lines) != 3 {
		t.Fatalf("%d lines, %v", len(sink.lines), err)
	}
	for i := range statuses[1:] {
		if past := statuses[i+1].Sub(statuses[i]); past > 250*time.Millisecond {
			t.Errorf("the status is asked for after %s", past)
		}
	}
	if len(logs) < 5 {
		t.Fatalf("lines are asked for %d times", len(logs))
	}
	for i := range logs[2:] {
		if past := logs[i+2].Sub(logs[i+1]); past < 600*time.Millisecond || past > 900*time.Millisecond {
			t.Errorf("lines are asked for after %s", past)
		}
	}
}

// TestDeletedRun must end at once, since the server rejects requests for a deleted run.
func TestDeletedRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"detail":"Not found."}`))
	}))
	defer server.Close()
	client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = run.Follow(t.Context(), client, target(), run.FollowOptions{Clock: &clock{now: start}}, &recorder{}); !polyaxon.IsNotFound(err) {
		t.Fatalf("the error is %v", err)
	}
	if lost := new(run.LostError); !errors.As(err, &lost) || !strings.Contains(err.Error(), "it is unknown how it ends") {
		t.Errorf("that the end is unknown is not told: %v", err)
	}
}

func TestWaitingReasons(t *testing.T) {
	s, c := &scriptedServer{}, &clock{now: start}
	s.reach("queued", "", "")
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case c.now.Sub(start) < 90*time.Second:
		case s.status == "queued":
			s.reach("unschedulable", "Unschedulable", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.")
		case c.now.Sub(start) < 180*time.Second:
		case s.status == "unschedulable":
			s.reach("warning", "ErrImagePull", `Failed to pull image "asia.gcr.io/team/train:1": 403 Forbidden`)
		case c.now.Sub(start) > 240*time.Second:
			s.reach("failed", "Error", "Job has failed: container polyaxon-main was killed: out of memory (OOMKilled, exit code 137)")
		}
	}
	sink, outcome, err := follow(t, s, c, run.FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"was not picked up", "no node has enough nvidia.com/gpu free", "the registry denied the cluster permission to pull it"}
	if len(sink.waits) != len(want) {
		t.Fatalf("what was told is %q", sink.waits)
	}
	for i := range want {
		if !strings.Contains(sink.waits[i], want[i]) {
			t.Errorf("what was told is %q, want %q", sink.waits[i], want[i])
		}
	}
	if f := outcome.Failure; f == nil || !f.OOMKilled || f.ExitCode != 137 || f.Container != "polyaxon-main" {
		t.Errorf("it failed by %+v", f)
	}
}

// TestEndIsKnownBeforeItsStory has the server fail, or the run be deleted, after the end
// of the run was seen and before the rest of the outcome was requested. How the run ended
// must be reported all the same.
func TestEndIsKnownBeforeItsStory(t *testing.T) {
	for name, test := range map[string]struct {
		code int
		back time.Duration // when the server is back, or 0 for never
		want string        // what the notes say about that
	}{
		"down for a while": {http.StatusInternalServerError, time.Minute, ""},
		"down for good":    {http.StatusInternalServerError, 0, "the server failed"},
		"deleted":          {http.StatusNotFound, 0, "Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := &scriptedServer{t: t}, &clock{now: start}
			s.reach("running", "", "")
			s.reach("failed", "Error", "Job has failed: exit code 3")
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/runs/"+uuid) && (test.back == 0 || c.now.Sub(start) < test.back) {
					w.WriteHeader(test.code)
					return
				}
				s.ServeHTTP(w, r)
			}))
			defer server.Close()
			client, err := polyaxon.New(polyaxon.Options{Host: server.URL, Sleep: func(context.Context, time.Duration) error { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			sink := &recorder{}
			outcome, err := run.Follow(t.Context(), client, target(), run.FollowOptions{Clock: c}, sink)
			if err != nil || outcome.Run.Status != polyaxon.Failed || outcome.Run.UUID != uuid || len(outcome.Conditions) != 2 {
				t.Fatalf("%+v, %v", outcome, err)
			}
			if notes := strings.Join(sink.notes, "\n"); (test.want == "") != (notes == "") || !strings.Contains(notes, test.want) {
				t.Errorf("what is said is %q", notes)
			}
			if past := c.now.Sub(start); past > 3*time.Minute {
				t.Errorf("it took %s", past)
			}
		})
	}
}
