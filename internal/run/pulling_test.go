package run_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// TestBusyMachineIsReported checks that a run that waits for others is reported in the
// sandbox's words.
func TestBusyMachineIsReported(t *testing.T) {
	s, c := &scriptedServer{}, &clock{now: start}
	const why = "the run needs 2 CPUs of this machine's 2: run train (1a2b3c4d) has 1 CPUs; it starts when enough resources are free"
	s.reach("queued", "MachineBusy", why)
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n == 3 {
			s.reach("succeeded", "", "")
		}
	}
	sink, _, err := follow(t, s, c, run.FollowOptions{})
	if err != nil || !slices.Equal(sink.waits, []string{why}) {
		t.Errorf("waits %q, %v", sink.waits, err)
	}
}

// TestServiceReportsWhatItWaitsFor checks that AwaitService reports each reason once, and
// that it waits for a node that the cluster may be adding.
func TestServiceReportsWhatItWaitsFor(t *testing.T) {
	for _, c := range []struct{ status, reason, message, want string }{
		{"queued", "MachineBusy", "the run needs 2 CPUs of this machine's 2: run train (1a2b3c4d) has 1 CPUs; it starts when enough resources are free",
			"the run needs 2 CPUs of this machine's 2: run train (1a2b3c4d) has 1 CPUs; it starts when enough resources are free"},
		{"unschedulable", "", "as the test says", "as the test says"},
	} {
		s := &scriptedServer{t: t}
		s.reach(c.status, c.reason, c.message)
		asked := 0
		s.asked = func(path string) {
			if strings.HasSuffix(path, "/statuses") {
				asked++
			} else if asked == 2 {
				s.reach("running", "", "")
			}
		}
		server := httptest.NewServer(s)
		defer server.Close()
		client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		var waits []string
		r, err := run.AwaitService(t.Context(), client, target(), func(why string) { waits = append(waits, why) })
		if err != nil || r.Status != polyaxon.Running || !slices.Equal(slices.Compact(waits), []string{c.want}) {
			t.Errorf("%s: %+v, %v, waits %q", c.status, r, err, waits)
		}
	}
}

// TestPullingIsReported checks that the pulling of an image and its size are reported at
// once. Its progress must be reported as progress, and only now and then as a reason for
// waiting.
func TestPullingIsReported(t *testing.T) {
	s, c := &scriptedServer{}, &clock{now: start}
	s.reach("starting", "Pulling", "pulling a:1: 187 MB")
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		last := s.conditions[len(s.conditions)-1]
		switch n {
		case 1, 2, 3:
			last["message"] = fmt.Sprintf("pulling a:1: %d of 187 MB", n*10)
		case 5:
			c.now = c.now.Add(15 * time.Second)
			last["message"] = "pulling a:1: 100 of 187 MB"
		case 7:
			s.reach("succeeded", "", "")
		}
	}
	sink, _, err := follow(t, s, c, run.FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"pulling a:1: 187 MB", "pulling a:1: 100 of 187 MB"}; !slices.Equal(sink.waits, want) {
		t.Errorf("waits %q, want %q", sink.waits, want)
	}
	if want := []string{"pulling a:1: 10 of 187 MB", "pulling a:1: 20 of 187 MB", "pulling a:1: 30 of 187 MB"}; !slices.Equal(sink.progress, want) {
		t.Errorf("progress %q, want %q", sink.progress, want)
	}
	if want := []string{"starting", "succeeded"}; !slices.Equal(sink.statuses, want) {
		t.Errorf("statuses %q, want %q", sink.statuses, want)
	}
}

// TestRedrawnLines checks that the current state of a progress bar is reported, and that
// its last state becomes the line.
func TestRedrawnLines(t *testing.T) {
	s, c := &scriptedServer{printed: lines("a", "polyaxon-main", 2, time.Second)}, &clock{now: start}
	s.printed[0].value = " 10%|#\r 50%|##\r100%|####\r"
	s.printed[1].value = "done"
	s.shown = 2
	s.reach("running", "", "")
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n == 3 {
			s.reach("succeeded", "", "")
		}
	}
	sink, _, err := follow(t, s, c, run.FollowOptions{Logs: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := sink.of("a", "polyaxon-main"); !slices.Equal(got, []string{"100%|####", "done"}) {
		t.Errorf("lines %q", got)
	}
	// The sandbox returns a line that is being redrawn. It is progress, not a line.
	s = &scriptedServer{printed: lines("a", "polyaxon-main", 1, time.Second), shown: 1}
	s.printed[0].value = " 50%|##\r"
	s.reach("running", "", "")
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n == 3 {
			s.reach("succeeded", "", "")
		}
	}
	c.n = 0
	sink, _, err = follow(t, s, c, run.FollowOptions{Logs: true, CompleteLive: true})
	if err != nil || len(sink.progress) == 0 || sink.progress[0] != " 50%|##" {
		t.Errorf("progress %q, %v", sink.progress, err)
	}
	if len(sink.lines) > 0 {
		t.Errorf("lines %q", sink.lines)
	}
}
