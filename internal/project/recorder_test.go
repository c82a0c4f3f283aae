package project

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// recorded returns a Recorder with a clock that goes on by a second with each event, and the
// Result of its events.
func recorded(next report.Sink) (*Recorder, *report.Result) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	r := NewRecorder(next, func() time.Time { now = now.Add(time.Second); return now })
	result := &report.Result{}
	r.Into(result)
	return r, result
}

// TestRecorderKeeps records one event of each kind, some of them before there is a Result,
// and one after the end.
func TestRecorderKeeps(t *testing.T) {
	var all eventTexts
	r, result := recorded(&all)
	for kind := range report.Advance + 1 {
		if kind == report.Failed {
			next := &report.Result{}
			r.Into(next)
			result = next
		}
		r.Event(report.Event{Kind: kind, Message: kind.String()})
	}
	r.Event(report.Event{Kind: report.Detail, Run: "r", Status: "queued", Message: "of a run"})
	r.Close()
	r.Event(report.Event{Kind: report.Note, Message: "late"})
	var kept []string
	for n, e := range result.Events {
		kept = append(kept, e.Message)
		if e.Time.Location() != time.UTC || n > 0 && !e.Time.After(result.Events[n-1].Time) {
			t.Errorf("event %d has the time %s", n, e.Time)
		}
	}
	if got, want := strings.Join(kept, ", "), "start, done, failed, status, note, warning, of a run"; got != want || result.EventsOmitted != 0 {
		t.Errorf("kept are %s, and %d are omitted; want %s", got, result.EventsOmitted, want)
	}
	if len(all) != int(report.Advance)+3 {
		t.Errorf("passed on are %q", all)
	}
}

// TestRecorderIsBounded records what a day may bring: many events, large ones and both.
func TestRecorderIsBounded(t *testing.T) {
	long := strings.Repeat("x", maxText/2) + "\n" + strings.Repeat("y", maxText)
	for name, message := range map[string]string{"many": "0/3 nodes are available", "large": long} {
		r, result := recorded(report.Discard{})
		const count = 3 * maxEvents
		for n := range count {
			r.Event(report.Event{Kind: report.Status, Step: "run", Subject: fmt.Sprint(n), Run: strings.Repeat("0", 32), Status: "unschedulable", Waits: true, Message: message})
		}
		kept := len(result.Events)
		if kept > maxEvents || kept+result.EventsOmitted != count || kept < 100 {
			t.Errorf("%s: %d events are kept, and %d omitted", name, kept, result.EventsOmitted)
		}
		for n, want := range map[int]int{0: 0, 50: 50, kept - 50: count - 50, kept - 1: count - 1} {
			if result.Events[n].Subject != fmt.Sprint(want) {
				t.Errorf("%s: event %d of %d is %s, want %d", name, n, kept, result.Events[n].Subject, want)
			}
		}
		text, err := json.MarshalIndent(result, "", "  ")
		if err != nil || len(text) > 4<<20 {
			t.Errorf("%s: %d bytes of JSON, %v", name, len(text), err)
		}
	}
}

// TestRecorderKeepsWholeLines records texts that are too long. What is left of a message are
// whole lines, because part of a secret would not be masked.
func TestRecorderKeepsWholeLines(t *testing.T) {
	r, result := recorded(report.Discard{})
	first, secret := strings.Repeat("a", 100)+"\n", strings.Repeat("s", maxText)
	for _, message := range []string{first + secret, secret} {
		r.Event(report.Event{Kind: report.Note, Step: "run", Message: message})
	}
	r.Event(report.Event{Kind: report.Note, Subject: secret + "s"})
	if len(result.Events) != 2 || result.Events[0].Message != first || result.Events[1].Message != "" || result.EventsOmitted != 1 {
		t.Errorf("%d are omitted of %+v", result.EventsOmitted, result.Events)
	}
}
