package build

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestProgress checks that without a terminal each step is a line, and that a build that is
// silent for 15 s reports that it is still going on, and how far it is.
func TestProgress(t *testing.T) {
	var out strings.Builder
	now := time.Unix(0, 0)
	clock := func() time.Time { return now }
	said := func(kind report.Kind, text string) report.Event {
		return report.Event{Kind: kind, Step: "image", Subject: "api", Message: text}
	}
	c := &progress{report: printer.Lines(&out, printer.Style{Now: clock}).Event, name: "api", now: clock, every: progressInterval, last: said(report.Progress, "building"), since: now, started: now}
	c.send(said(report.Advance, "[1/2] FROM python"))
	waits := 0
	c.watch(t.Context(), func(context.Context, time.Duration) error {
		waits++
		now = now.Add(progressInterval)
		switch waits {
		case 2:
			c.send(said(report.Advance, "[2/2] RUN pip install torch"))
		case 3:
			c.send(said(report.Progress, "downloading 3 of 9 packages"))
		case 5:
			return errors.New("it is over")
		}
		return nil
	})
	want := []string{"[1/2] FROM python", "[1/2] FROM python, for 15s now", "[2/2] RUN pip install torch", "downloading 3 of 9 packages, for 45s now", "downloading 3 of 9 packages, for 1m0s now"}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%q", lines)
	}
	for n, line := range lines {
		if !strings.HasSuffix(line, want[n]) || !strings.Contains(line, "api") {
			t.Errorf("line %d is %q; want %q", n, line, want[n])
		}
	}
}
