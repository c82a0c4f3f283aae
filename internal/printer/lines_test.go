package printer

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestProgressInLines checks that progress is printed only now and then where each line
// stays.
func TestProgressInLines(t *testing.T) {
	var b strings.Builder
	now := time.Unix(0, 0)
	l := Lines(&b, Style{Now: func() time.Time { return now }})
	for _, message := range []string{"1 MB", "2 MB", "3 MB", "4 MB", "5 MB"} {
		l.Event(report.Event{Kind: report.Progress, Step: "run", Subject: "train", Message: message})
		now = now.Add(8 * time.Second)
	}
	if want := "· run      train  3 MB\n· run      train  5 MB\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// TestLongStepsAreAnnounced checks that only a step that does not end at once
// has a line for its beginning.
func TestLongStepsAreAnnounced(t *testing.T) {
	for _, c := range []struct {
		style Style
		want  string
	}{
		{Style{}, "✓ image    a  up to date (0s)|· image    b  building with BuildKit|✓ image    b  pushed (250ms)|"},
		{Style{Verbose: true}, "· image    a  building|✓ image    a  up to date (0s)|· image    b  looking|· image    b  building with BuildKit|✓ image    b  pushed (250ms)|"},
		{Style{Quiet: true}, ""},
	} {
		var b strings.Builder
		now := time.Unix(0, 0)
		waiting := map[int]func(){}
		c.style.Now = func() time.Time { return now }
		c.style.AfterFunc = func(d time.Duration, f func()) func() bool {
			if d > 300*time.Millisecond {
				t.Errorf("a step is told after %s", d)
			}
			n := len(waiting)
			waiting[n] = f
			return func() bool { waiting[n] = func() {}; return true }
		}
		l := Lines(&b, c.style)
		tell := func(kind report.Kind, subject, message string) {
			l.Event(report.Event{Kind: kind, Step: "image", Subject: subject, Message: message})
		}
		tell(report.Start, "a", "building")
		tell(report.Done, "a", "up to date")
		tell(report.Start, "b", "looking")
		tell(report.Start, "b", "building with BuildKit")
		now = now.Add(announceAfter)
		for n := range len(waiting) {
			waiting[n]()
		}
		tell(report.Done, "b", "pushed")
		if got := strings.ReplaceAll(b.String(), "\n", "|"); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.style, got, c.want)
		}
	}
}

// panickingWriter is a writer that panics.
type panickingWriter struct{}

func (panickingWriter) Write([]byte) (int, error) { panic("provoked") }

// TestPanicInTimer checks that a panic in the timer of a step's beginning reaches the
// caller of the next Event.
func TestPanicInTimer(t *testing.T) {
	var timer func()
	l := Lines(panickingWriter{}, Style{Now: time.Now, AfterFunc: func(_ time.Duration, f func()) func() bool {
		timer = f
		return func() bool { return true }
	}})
	l.Event(report.Event{Kind: report.Start, Step: "image", Subject: "train"})
	timer()
	fault := new(panics.Error)
	if err := panics.Catch("", func() error { l.Event(report.Event{Kind: report.Done, Step: "image", Subject: "train"}); return nil }); !errors.As(err, &fault) {
		t.Errorf("%v", err)
	}
}
