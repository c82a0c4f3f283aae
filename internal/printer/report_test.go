package printer

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, got)
	}
}

// times returns report.Times in which values below zero are unknown.
func times(queued, pulling, running float64) *report.Times {
	known := func(s float64) *float64 {
		if s < 0 {
			return nil
		}
		return &s
	}
	return &report.Times{Queued: known(queued), Pulling: known(pulling), Running: known(running)}
}

// full returns a Result with something in every section.
func full() *report.Result {
	at := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	return &report.Result{
		Command: "deploy", Project: "fraud", Environment: "production", Seconds: 12.5, ExitCode: 1, Error: "job train: run abc failed",
		Images: []report.Image{
			{Name: "train", Reference: "asia.gcr.io/acme/train@sha256:0123", Digest: "sha256:0123", Tags: []string{"1a2b3c4", "inputs-99"}, Action: "pushed", Bytes: 3 << 20, Sent: 4096, Layers: 3, Created: &at},
			{Name: "api", Action: "up-to-date", Bytes: 900},
		},
		Secrets: []report.Secret{{Name: "token", Action: "update", Keys: map[string]string{"b": "unchanged", "a": "create"}}},
		Volumes: []report.Volume{{Claim: "data", Action: "differs", Size: "50Gi", Access: "ReadWriteMany", Class: "filestore", Status: "Bound", Differences: []string{"it is too small"}}},
		Jobs: []report.Job{
			{Name: "process", Action: "up-to-date", Run: report.Run{UUID: "def", Status: "succeeded", Times: times(61, 2.8, 3.2)}},
			{Name: "evaluate", Action: "submitted", Run: report.Run{UUID: "fed", Status: "stopped", Times: times(-1, -1, -1), Cost: &report.Cost{Currency: "EUR", Unknown: "it is unknown how long it had a node"}}},
			{Name: "train", Action: "submitted", After: "process", Diff: "- gpu: 1\n+ gpu: 2\n", Run: report.Run{
				UUID: "abc", RunName: "train", Kind: "job", Status: "failed", Reason: "Error", Message: "exit code 1 | <b>", Created: &at, Times: times(0, -1, 4000),
				Metrics: map[string]float64{"loss": 0.123456, "accuracy": 0.97}, Outputs: []string{"model.json"}, OutputsAt: "outputs",
				LastLines: []string{"reading", "``` cannot find the data"}, Address: "https://polyaxon.acme.dev/ui/abc",
			}},
		},
		Runs:      []report.Run{{UUID: "abc", RunName: "train", Status: "failed", History: []report.Transition{{Status: "created", Time: at}, {Status: "failed", Reason: "Error", Message: "one\ntwo", Time: at.Add(time.Minute)}}}},
		Problems:  []report.Problem{{Position: report.Position{File: "a.yml", Line: 3, Column: 7}, Severity: "warning", Name: "mutable-tag", Message: "the image has a moving tag", Hint: "name a digest", Source: "\timage: python:3", Length: 8, Versions: []string{"1.11.3"}, Fixable: true}},
		Rules:     []report.Rule{{Name: "mutable-tag", Summary: "An image's tag moves", Help: "The same run may do something else tomorrow.", Severity: "warning"}},
		Artifacts: []report.Artifact{{Path: "outputs/model.json", Bytes: 1500, SavedAs: "saved/outputs/model.json"}},
		Sandbox:   &report.Sandbox{Running: true, PID: 7, Started: &at, Directory: ".slipway/sandbox", Registry: "http://127.0.0.1:1", Isolation: "the kernel says no", ActiveRuns: 2, Bytes: 5 << 30},
		Text:      "as it is", Changes: 2,
	}
}

func TestFormats(t *testing.T) {
	for name, form := range map[string]func(*bytes.Buffer, *report.Result) error{
		"result.txt":   func(b *bytes.Buffer, r *report.Result) error { return Text(b, r, Page{}) },
		"result.json":  func(b *bytes.Buffer, r *report.Result) error { return JSON(b, r) },
		"result.sarif": func(b *bytes.Buffer, r *report.Result) error { return SARIF(b, r, "1.2.3") },
		"result.md": func(b *bytes.Buffer, r *report.Result) error {
			b.WriteString(strings.Join(Summary(r), "\n\n") + "\n")
			return nil
		},
	} {
		var b bytes.Buffer
		if err := form(&b, full()); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

// models returns a Result with runs that are ranked and compared, and with what is served.
func models() *report.Result {
	value, bound := 0.93, 0.9
	runs := []report.Run{
		{Number: 2, UUID: "abcdef0123456789abcdef0123456789", Status: "succeeded", Params: map[string]any{"MAX_DEPTH": 4}, Metrics: map[string]float64{"val_acc": 0.93, "loss": 0.1}},
		{Number: 1, UUID: "0123456789abcdef0123456789abcdef", Status: "succeeded", Params: map[string]any{"MAX_DEPTH": 2, "RATE": 0.5}, Metrics: map[string]float64{"val_acc": 0.9}},
		{Number: 3, UUID: "fedcba9876543210fedcba9876543210", Status: "failed", Params: map[string]any{"MAX_DEPTH": 8}},
	}
	best := runs[0]
	best.Number, best.Params, best.Outputs, best.OutputsAt = 0, nil, []string{"model.json"}, ""
	return &report.Result{
		Command: "deploy", Project: "churn",
		Jobs: []report.Job{{
			Name: "train", Run: best, Runs: runs, BestBy: &report.Ranking{Metric: "val_acc"},
			Requirements: []report.Requirement{{Metric: "val_acc", Condition: ">= 0.9", Met: true, Value: &value, Bound: &bound, Message: "val_acc = 0.93"}},
		}},
		Comparison: &report.Comparison{A: runs[0].UUID, B: runs[1].UUID, Same: 4, Differences: []report.RunDifference{
			{Kind: "metric", Name: "loss", A: "0.1"}, {Kind: "metric", Name: "val_acc", A: "0.93", B: "0.9"}, {Kind: "param", Name: "MAX_DEPTH", A: "4", B: "2"}, {Kind: "run", Name: "commit", A: "1b0ee9a0", B: "3f2a9c41-dirty"},
		}},
		Served: []report.Served{
			{Name: "api", Action: report.ActionUpdate, Model: "train", Run: runs[0].UUID, Commit: "1b0ee9a0c3d21b0ee9a0c3d21b0ee9a0c3d2abcd-dirty", Metrics: runs[0].Metrics, By: []string{"Deployment api", "service api"}, ServiceRun: "77", Address: "https://api.acme.dev/docs"},
			{Name: "page", Action: report.ActionCreate, Model: "train", By: []string{"service page"}},
			{Name: "late", Action: report.ActionUnchanged, Model: "train", By: []string{"service late"}, Message: "run 88 does not meet what it requires"},
		},
	}
}

// TestModels shows runs that are ranked and compared, and what is served, in each format.
func TestModels(t *testing.T) {
	var text, encoded bytes.Buffer
	if err := errors.Join(Text(&text, models(), Page{}), JSON(&encoded, models())); err != nil {
		t.Fatal(err)
	}
	golden(t, "models.txt", text.String())
	golden(t, "models.json", encoded.String())
	golden(t, "models.md", strings.Join(Summary(models()), "\n\n")+"\n")
}

// A deploy that is interrupted before its first job shows the job all the same.
func TestJobsNotReached(t *testing.T) {
	for _, test := range []struct {
		job  report.Job
		want string
	}{
		{report.Job{Name: "train"}, "not submitted"},
		{report.Job{Name: "train", Run: report.Run{UUID: "c545ce8c", Status: "failed"}}, "failed, run c545ce8c"},
	} {
		if got := jobLine(test.job); got != test.want {
			t.Errorf("%+v is shown as %q, want %q", test.job, got, test.want)
		}
	}
}

func TestEmptyResult(t *testing.T) {
	var b bytes.Buffer
	if err := Text(&b, &report.Result{Command: "runs"}, Page{}); err != nil || b.Len() > 0 {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestLines(t *testing.T) {
	now := time.Unix(0, 0)
	events := []report.Event{
		{Kind: report.Start, Step: "image", Subject: "train", Message: "building"},
		{Kind: report.Progress, Step: "image", Subject: "train", Message: "1 MB of 2 MB"},
		{Kind: report.Done, Step: "image", Subject: "train", Message: "pushed"},
		{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Status: "running"},
		{Kind: report.Line, Subject: "train", Message: "epoch 0"},
		{Kind: report.Detail, Step: "run", Subject: "train", Message: "queued"},
		{Kind: report.Note, Message: "not isolated"},
		{Kind: report.Warning, Message: "no summary"},
		{Kind: report.Failed, Step: "secrets", Subject: "team", Message: "not synced"},
	}
	for name, style := range map[string]Style{"lines.txt": {}, "lines-color.txt": {Color: true}, "lines-quiet.txt": {Quiet: true}, "lines-verbose.txt": {Verbose: true}} {
		var b bytes.Buffer
		style.Now = func() time.Time { now = now.Add(1500 * time.Millisecond); return now }
		sink := Lines(&b, style)
		for _, e := range events {
			sink.Event(e)
		}
		golden(t, name, b.String())
	}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Part(1_500_000, 3_000_000), "1.5 MB of 3.0 MB"}, {Part(3_100_000, 3_000_000), "3.0 MB of 3.0 MB"},
		{Count(0, "run"), "0 runs"}, {Count(1, "run"), "1 run"}, {Count(2, "layer"), "2 layers"},
		{formatCost(&report.Cost{Currency: "EUR", Unknown: "why"}), "unknown (why)"}, {formatCost(&report.Cost{Amount: new(float64), Currency: "EUR"}), "0.00 EUR"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 2_773_102: "2.8 MB", 5 << 30: "5.4 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// TestNamesCannotForgeLines checks that names and messages from a job cannot become lines, or
// cells of a table, of their own.
func TestNamesCannotForgeLines(t *testing.T) {
	const forged = "x\nslipway: forged\r\tcell"
	var b bytes.Buffer
	r := &report.Result{
		Jobs: []report.Job{{Name: "train", Run: report.Run{UUID: "abc", Status: "failed", Message: "one\nslipway: forged",
			Metrics: map[string]float64{forged: 1}, Outputs: []string{forged}, OutputsAt: "outputs"}}},
		Runs:      []report.Run{{UUID: "abc", RunName: forged, Status: "failed"}, {UUID: "def"}},
		Artifacts: []report.Artifact{{Path: forged, Bytes: 1}, {Path: "b", Bytes: 2}},
	}
	if err := Text(&b, r, Page{}); err != nil {
		t.Fatal(err)
	}
	Lines(&b, Style{Now: time.Now}).Event(report.Event{Kind: report.Status, Step: "run", Subject: "train", Run: "r", Status: "failed", Message: "one\nslipway: forged"})
	if strings.Contains(b.String(), "\nslipway: forged") || strings.Contains(b.String(), "\tcell") || strings.Count(b.String(), `x\nslipway: forged\r\tcell`) != 4 {
		t.Errorf("there are forged lines in\n%s", b.String())
	}
}
