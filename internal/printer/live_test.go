package printer

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// screen is a terminal that supports the control sequences of Live.
type screen struct{ rows []string }

func (s *screen) Write(b []byte) (int, error) {
	text := string(b)
	for text != "" {
		text = strings.TrimPrefix(text, "\r")
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			n := int(rest[0] - '0')
			s.rows = s.rows[:len(s.rows)-n]
			text = strings.TrimPrefix(rest, rest[:1]+"A\x1b[J")
			continue
		}
		row, rest, _ := strings.Cut(text, "\n")
		s.rows = append(s.rows, row)
		text = rest
	}
	return len(b), nil
}

func TestLive(t *testing.T) {
	now := time.Unix(0, 0)
	s := &screen{}
	l := NewLive(s, Style{Now: func() time.Time { return now }}, func() (int, int) { return 40, 24 })
	l.tick.Stop() // no frames but those of events
	steps := []struct {
		event report.Event
		after time.Duration
		want  string
	}{
		{report.Event{Kind: report.Start, Step: "image", Subject: "train", Message: "building"}, time.Second, "◌ image    train  building  0s"},
		{report.Event{Kind: report.Start, Step: "image", Subject: "api", Message: "building"}, time.Second, "◌ image    train  building  1s|◌ image    api  building  0s"},
		{report.Event{Kind: report.Progress, Step: "image", Subject: "train", Message: "1 MB of 2 MB"}, 0, "◌ image    train  1 MB of 2 MB  2s|◌ image    api  building  1s"},
		{report.Event{Kind: report.Done, Step: "image", Subject: "train", Message: "pushed"}, 0, "✓ image    train  pushed (2s)|◌ image    api  building  1s"},
		{report.Event{Kind: report.Failed, Step: "image", Subject: "api", Message: "not built"}, 0, "✓ image    train  pushed (2s)|✗ image    api  not built"},
		{report.Event{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Status: "queued"}, time.Second, "✓ image    train  pushed (2s)|✗ image    api  not built|◌ run      train  queued  0s"},
		{report.Event{Kind: report.Line, Subject: "train", Message: "epoch 0"}, 0, "✓ image    train  pushed (2s)|✗ image    api  not built|  train | epoch 0|◌ run      train  queued  1s"},
		{report.Event{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Status: "unschedulable", Message: "0/3 nodes are available"}, 0,
			"✓ image    train  pushed (2s)|✗ image    api  not built|  train | epoch 0|◌ run      train  unschedulable: 0/3 n…"},
		{report.Event{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Status: "failed", Message: "exit code 1"}, 0,
			"✓ image    train  pushed (2s)|✗ image    api  not built|  train | epoch 0|✗ run      train  failed: exit code 1"},
	}
	for _, step := range steps {
		l.Event(step.event)
		if got := strings.Join(s.rows, "|"); got != step.want {
			t.Errorf("after %v:\n got %s\nwant %s", step.event, got, step.want)
		}
		now = now.Add(step.after)
	}
	l.Event(report.Event{Kind: report.Start, Step: "submit", Subject: "x", Message: "…"})
	l.Close()
	l.Close()
	l.Event(report.Event{Kind: report.Note, Message: "too late"})
	if got, want := strings.Join(s.rows, "|"), steps[len(steps)-1].want; got != want {
		t.Errorf("closed:\n got %s\nwant %s", got, want)
	}
}

// TestLiveAfterAnEcho checks that redrawing begins at the first column, as a terminal
// echoes ^C at the cursor.
func TestLiveAfterAnEcho(t *testing.T) {
	var b strings.Builder
	l := NewLive(&b, Style{Now: func() time.Time { return time.Unix(0, 0) }}, func() (int, int) { return 40, 24 })
	l.tick.Stop()
	l.Event(report.Event{Kind: report.Start, Step: "run", Subject: "train", Message: "queued"})
	b.WriteString("^C")
	l.Event(report.Event{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Status: "stopped"})
	l.Close()
	if _, after, _ := strings.Cut(b.String(), "^C"); !strings.HasPrefix(after, "\r\x1b[1A\x1b[J→ run") {
		t.Errorf("after the echo comes %q", after)
	}
}

// TestLiveStaysInItsRows prints text whose width is not its number of bytes, such as wide
// characters, tabs and colours, and more active steps than there are rows.
func TestLiveStaysInItsRows(t *testing.T) {
	s := &screen{}
	l := NewLive(s, Style{Now: func() time.Time { return time.Unix(0, 0) }}, func() (int, int) { return 40, 5 })
	l.tick.Stop()
	l.Event(report.Event{Kind: report.Progress, Step: "run", Subject: "train", Message: "学習\t学習\t\x1b[31m学習学習学習学習学習学習"})
	if got := s.rows[0]; columns(got) >= 40 || strings.ContainsAny(got, "\t\x1b") {
		t.Errorf("%d columns: %q", columns(got), got)
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		l.Event(report.Event{Kind: report.Progress, Step: "run", Subject: name, Message: "running"})
	}
	if got := len(s.rows); got != 4 || s.rows[3] != "◌ and 3 more" {
		t.Errorf("%q", s.rows)
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		l.Event(report.Event{Kind: report.Status, Step: "run", Subject: name, Run: "r", Status: "upstream_failed", Message: "first did not succeed"})
	}
	if len(l.active) != 1 || s.rows[0] != "✗ run      a  upstream_failed: first did not succeed" {
		t.Errorf("%q", s.rows)
	}
	s.rows = s.rows[len(s.rows)-1:]
	l.Leave()
	if len(s.rows) != 0 {
		t.Errorf("left over: %q", s.rows)
	}
}

// TestWaitReasonIsNotCut prints a reason that is longer than a row.
func TestWaitReasonIsNotCut(t *testing.T) {
	s := &screen{}
	l := NewLive(s, Style{Now: func() time.Time { return time.Unix(0, 0) }}, func() (int, int) { return 80, 24 })
	l.tick.Stop()
	l.Event(report.Event{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Waits: true, Message: "it waits for approval: slipway approve 01234567"})
	l.Event(report.Event{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Waits: true, Message: "the run needs 2 CPUs of this machine's 2 CPUs: run other (01234567) has 1 CPUs"})
	want := "→ run      train  waits: the run needs 2 CPUs of this machine's 2 CPUs: run other (01234567) has 1 CPUs|" +
		"◌ run      train  waits: the run needs 2 CPUs of this machine's 2 CPUs: run ot…"
	if got := strings.Join(s.rows, "|"); got != want {
		t.Errorf("got %s", got)
	}
}

// blockedTerminal is a terminal that blocks until open is closed.
type blockedTerminal struct {
	screen
	open chan struct{}
}

func (g *blockedTerminal) Write(b []byte) (int, error) {
	<-g.open
	return g.screen.Write(b)
}

// TestLeaveWhileARowIsDrawn calls Leave while a terminal is slow to take a row, and while
// it is stuck.
func TestLeaveWhileARowIsDrawn(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		g := &blockedTerminal{open: make(chan struct{})}
		l := NewLive(g, Style{Now: func() time.Time { return time.Unix(0, 0) }}, func() (int, int) { return 80, 24 })
		l.tick.Stop()
		drawn := make(chan struct{})
		go func() {
			defer close(drawn)
			l.Event(report.Event{Kind: report.Progress, Step: "run", Subject: "train", Message: "running"})
		}()
		for l.mu.TryLock() { // until the row is being drawn
			l.mu.Unlock()
			runtime.Gosched()
		}
		if !stuck {
			go close(g.open)
		}
		l.Leave()
		if stuck {
			close(g.open)
		}
		<-drawn
		if !stuck && len(g.rows) != 0 {
			t.Errorf("left over: %q", g.rows)
		}
	}
}
