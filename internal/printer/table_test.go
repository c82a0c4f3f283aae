package printer

import (
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// wide returns a Result whose tables are wider than a terminal.
func wide() *report.Result {
	at := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	amount := 1234.56
	uuid := "0123456789abcdef0123456789abcdef"
	r := &report.Result{
		Images:    []report.Image{{Name: "train-the-large-model", Action: "up-to-date", Bytes: 187 << 20, Created: &at, Tags: []string{"1a2b3c4d5e6f", "inputs-0123456789ab", "latest"}, Reference: "registry.acme.dev/team/train@sha256:" + uuid + uuid}},
		Secrets:   []report.Secret{{Name: "gcp-service-account", Action: "unchanged", Keys: map[string]string{"gcp-service-account.json": "unchanged", "aws-credentials": "create", "token": "update"}}},
		Artifacts: []report.Artifact{{Path: "outputs/model/checkpoint-000001.safetensors", Bytes: 1500, SavedAs: "saved/outputs/model/checkpoint-000001.safetensors"}},
	}
	for _, name := range []string{"train-a-classifier-on-breast-cancer-data", "学習-モデル-学習-モデル-学習-モデル"} {
		r.Runs = append(r.Runs, report.Run{UUID: uuid, RunName: name, Kind: "tensorboard", Status: "upstream_failed", Created: &at, Times: times(1, 2, 40000),
			Age: 300000, GPUs: 16, Owner: "anna.long-name@example.com", Cost: &report.Cost{Amount: &amount, Currency: "EUR"}})
	}
	job := report.Job{Name: "tune", Run: report.Run{Status: "failed"}}
	for n := range 2 {
		job.Runs = append(job.Runs, report.Run{Number: n + 1, UUID: uuid, Status: "succeeded", Params: map[string]any{"learning_rate": 0.000123456, "optimizer": "adam with a long name and warm restarts", "z": strings.Repeat("z", 40)},
			Metrics: map[string]float64{"validation_accuracy": 0.97123, "training_loss_of_the_epoch": 1.2345e-7}})
	}
	job.Rank(nil)
	r.Jobs = []report.Job{job}
	return r
}

// TestTablesFit checks tables that are wider than the terminal. The least important
// columns are cut or left out, but never a number or a cell that users copy.
func TestTablesFit(t *testing.T) {
	uuid := "01234567"
	for _, on := range []int{0, 60, 80, 120, 300} {
		var b strings.Builder
		if err := Text(&b, wide(), Page{Columns: on}); err != nil {
			t.Fatal(err)
		}
		most := on
		if most == 0 {
			most = unknownWidth
		}
		for line := range strings.SplitSeq(b.String(), "\n") {
			uncut := strings.Contains(line, "@sha256:") || strings.Contains(line, "saved/") || on == 0 && (strings.Contains(line, "***") || strings.Contains(line, "TAGS"))
			if n := columns(line); n > most && !uncut {
				t.Errorf("%d columns: this takes %d: %s", on, n, line)
			}
		}
		for _, whole := range []string{uuid, "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "upstream_failed", "0.9712", "1234.56 EUR", "11h6m40s", "outputs/model/checkpoint-000001.safetensors", "1a2b3c4d5e6f,inputs-0123456789ab,latest", "token=*** (update)"} {
			if !strings.Contains(b.String(), whole) {
				t.Errorf("%d columns: %s is cut:\n%s", on, whole, b.String())
			}
		}
	}
	var b strings.Builder
	if err := Text(&b, wide(), Page{Columns: 80}); err != nil {
		t.Fatal(err)
	}
	golden(t, "wide.txt", b.String())
}

// TestFailureIsRed checks that failures are red on a terminal with colours, and only
// there.
func TestFailureIsRed(t *testing.T) {
	for _, color := range []bool{true, false} {
		var b strings.Builder
		if err := Text(&b, wide(), Page{Columns: 200, Color: color}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"\x1b[31mtune: failed\x1b[0m", "\x1b[31mupstream_failed\x1b[0m"} {
			if strings.Contains(b.String(), want) != color {
				t.Errorf("color %t: %q", color, b.String())
			}
		}
	}
}
