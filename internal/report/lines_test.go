package report

import (
	"strings"
	"testing"
	"time"
)

// TestProgressInLines tells now and then how far a step is where lines stay as they are.
func TestProgressInLines(t *testing.T) {
	var b strings.Builder
	now := time.Unix(0, 0)
	l := Lines(&b, Style{Now: func() time.Time { return now }})
	for _, message := range []string{"1 MB", "2 MB", "3 MB", "4 MB", "5 MB"} {
		l.Event(Event{Kind: Progress, Step: "run", Subject: "train", Message: message})
		now = now.Add(8 * time.Second)
	}
	if want := "· run      train  3 MB\n· run      train  5 MB\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
