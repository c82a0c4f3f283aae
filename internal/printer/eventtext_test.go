package printer

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestLinesOfAResult prints the events of a Result, taken from its JSON, as lines. They are
// the lines that were printed when the events came.
func TestLinesOfAResult(t *testing.T) {
	var live, later, text bytes.Buffer
	style := Style{Verbose: true, Now: func() time.Time { return time.Unix(0, 0) }}
	now := time.Unix(0, 0)
	r, result := project.NewRecorder(Lines(&live, style), func() time.Time { now = now.Add(time.Second); return now }), &report.Result{}
	r.Into(result)
	for _, e := range []report.Event{
		{Kind: report.Start, Step: "image", Subject: "train", Message: "building"},
		{Kind: report.Done, Step: "image", Subject: "train", Message: "pushed 1.0 kB of 1.0 kB in 1 layer", Amount: &report.Amount{Bytes: 1000, BytesTotal: 1000, Parts: 1, PartsTotal: 1, Unit: "layer"}},
		{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Waits: true, Message: "it waits for approval"},
		{Kind: report.Detail, Step: "run", Subject: "train", Run: "r", Status: "queued"},
		{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Status: "failed", Message: "exit code 3"},
		{Kind: report.Status, Step: "run", Subject: "test", Status: "upstream_failed", Message: "not submitted: train did not succeed"},
		{Kind: report.Done, Step: "stop", Subject: "train", Run: "r", Status: "stopped", Message: "stopped"},
		{Kind: report.Warning, Message: "careful"},
	} {
		r.Event(e)
	}
	if err := JSON(&text, result); err != nil {
		t.Fatal(err)
	}
	var back report.Result
	if err := json.Unmarshal(text.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	lines := Lines(&later, style)
	for _, e := range back.Events {
		lines.Event(e)
	}
	if live.String() != later.String() || !strings.Contains(live.String(), "in 1 layer (1s)\n") || !strings.Contains(live.String(), "✓ stop     train  stopped\n") {
		t.Errorf("printed later is\n%s\nand was\n%s", later.String(), live.String())
	}
}
