package run_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// eventLog is a sink that records all events in their order.
type eventLog struct {
	lines []string
	each  func(string)
}

func (s *eventLog) record(text string) {
	s.lines = append(s.lines, text)
	if s.each != nil {
		s.each(text)
	}
}
func (s *eventLog) Status(c polyaxon.Condition) { s.record("status " + string(c.Type)) }
func (s *eventLog) Line(l polyaxon.LogLine)     { s.record("line " + l.Value) }
func (s *eventLog) Waits(why string)            { s.record("waits " + why) }
func (s *eventLog) Progress(string)             {}
func (s *eventLog) Note(text string)            { s.record("note " + text) }

// TestEndIsNotDelayed uses a server whose streams are down. The end is reported when it
// is seen, followed by a note that the log is waited for. Canceling meanwhile must not
// change that.
func TestEndIsNotDelayed(t *testing.T) {
	for name, interrupted := range map[string]bool{"waited for": false, "interrupted": true} {
		t.Run(name, func(t *testing.T) {
			s, c := &scriptedServer{t: t, streamsDown: true}, &clock{now: start}
			s.reach("running", "", "")
			s.reach("failed", "Error", "Job has failed: exit code 3")
			server := httptest.NewServer(s)
			defer server.Close()
			client, err := polyaxon.New(polyaxon.Options{Host: server.URL, Sleep: func(context.Context, time.Duration) error { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			told, when := &eventLog{}, time.Duration(0)
			told.each = func(text string) {
				if strings.Contains(text, "status failed") {
					when = c.now.Sub(start)
				}
				if interrupted && strings.Contains(text, "waiting for its log") {
					cancel()
				}
			}
			outcome, err := run.Follow(ctx, client, target(), run.FollowOptions{Logs: true, Clock: c}, told)
			if err != nil || outcome.Run.Status != polyaxon.Failed || outcome.Failure == nil || outcome.Failure.ExitCode != 3 {
				t.Fatalf("%+v, %v", outcome, err)
			}
			end := slices.Index(told.lines, "status failed")
			if when > 3*time.Second || end < 0 || end+1 >= len(told.lines) || !strings.Contains(told.lines[end+1], "waiting for its log") {
				t.Errorf("the end was told after %s: %q", when, told.lines)
			}
			if past := c.now.Sub(start); interrupted && past > 5*time.Second {
				t.Errorf("it ended %s after the signal", past)
			}
		})
	}
}

// TestUnarchivedLogs must end at once if there will be no archive: either the pods' logs
// were read to their end, or the operation turns the archive off.
func TestUnarchivedLogs(t *testing.T) {
	const never = `{"plugins": {"collectLogs": false}, "run": {"kind": "job"}}`
	for name, test := range map[string]struct {
		content string
		pods    bool
		note    string
	}{
		"read from the pods":      {pods: true},
		"the operation says so":   {content: never, note: "collectLogs: false"},
		"both":                    {content: never, pods: true},
		"an archive that is late": {note: "waiting"},
	} {
		t.Run(name, func(t *testing.T) {
			s, k, c := &scriptedServer{t: t}, &kubelet{}, &clock{now: start}
			if test.content != "" {
				s.overrides = map[string]any{"content": test.content}
			}
			o := run.FollowOptions{Logs: true}
			a := k.pod("a")
			a.print(s, 3)
			s.shown = 3
			if a.ended = true; test.pods {
				o.Cluster = k
			}
			s.reach("running", "", "")
			var ended time.Time
			c.step = func(n int) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if n == 3 {
					s.reach("succeeded", "", "")
					ended = c.now
				}
			}
			sink, outcome, err := follow(t, s, c, o)
			if err != nil || outcome.Run.Status != polyaxon.Succeeded || len(sink.lines) != 3 {
				t.Fatalf("%+v, %v, lines %q", outcome, err, sink.lines)
			}
			if past := c.now.Sub(ended); (past < 200*time.Millisecond) == (test.note == "waiting") {
				t.Errorf("the end was told after %s", past)
			}
			if !strings.Contains(strings.Join(sink.notes, "\n"), test.note) || test.note == "" && len(sink.notes) > 0 {
				t.Errorf("the notes are %q", sink.notes)
			}
		})
	}
}

// TestOtherContainersFail has a container fail beside the main one or before it. The
// failure must be reported with that container's last lines.
func TestOtherContainersFail(t *testing.T) {
	for _, container := range []string{"polyaxon-init-git", "polyaxon-sidecar"} {
		for _, readable := range []bool{true, false} {
			t.Run(container, func(t *testing.T) {
				s, k, c := &scriptedServer{t: t, printed: lines("a", "polyaxon-main", 3, time.Second)}, &kubelet{}, &clock{now: start}
				s.printed = append(s.printed, record{start.Add(time.Minute), "a", container, "fatal: no such repository"})
				s.shown, s.archived = len(s.printed), len(s.printed)
				o := run.FollowOptions{Logs: true}
				if readable {
					o.Cluster = k
					a := k.pod("a")
					a.ended, a.words = true, map[string]string{container: "2026-11-24T12:00:00Z fatal: no such repository\n"}
					a.others = []corev1.ContainerStatus{{Name: container, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 128}}}}
				}
				s.reach("running", "", "")
				s.reach("failed", "Error", "Job has failed: container "+container+" exited with code 128")
				_, outcome, err := follow(t, s, c, o)
				if err != nil || outcome.Failure == nil || outcome.Failure.Container != container || outcome.Failure.LinesContainer() != container {
					t.Fatalf("%+v, %v", outcome.Failure, err)
				}
				if want := []string{"fatal: no such repository"}; !slices.Equal(outcome.LastLines, want) {
					t.Errorf("its last lines are %q, want %q", outcome.LastLines, want)
				}
			})
		}
	}
}
