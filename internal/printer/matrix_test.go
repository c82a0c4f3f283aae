package printer

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestMatrixTable prints the runs of a matrix in each form, with the best one first.
func TestMatrixTable(t *testing.T) {
	matrix := func() report.Job {
		return report.Job{Name: "tune", Action: "submitted", Run: report.Run{Status: "failed", Message: "3 of 4 runs succeeded"}, Runs: []report.Run{
			{Number: 1, UUID: "11111111aaaa", Status: "succeeded", Params: map[string]any{"lr": 0.1, "depth": 3}, Metrics: map[string]float64{"loss": 0.5, "accuracy": 0.8}},
			{Number: 2, UUID: "22222222aaaa", Status: "failed", Params: map[string]any{"lr": 0.2, "depth": 3}, Metrics: map[string]float64{"accuracy": 0.99}},
			{Number: 3, UUID: "33333333aaaa", Status: "succeeded", Params: map[string]any{"lr": 0.3, "depth": 3}, Metrics: map[string]float64{"loss": 0.2, "accuracy": 0.9}},
			{Number: 4, UUID: "44444444aaaa", Status: "succeeded", Params: map[string]any{"lr": 0.4, "depth": 3}},
		}}
	}
	for _, test := range []struct {
		name  string
		by    *report.Ranking
		order string
		says  string
	}{
		{"by the first metric", nil, "3124", "best first: the highest accuracy"},
		{"by early stopping", &report.Ranking{Metric: "loss", Lower: true}, "3124", "best first: the lowest loss"},
		{"the other way", &report.Ranking{Metric: "loss"}, "1324", "best first: the highest loss"},
		{"by what nobody has", &report.Ranking{Metric: "f1"}, "1234", "best first: the highest f1"},
		{"by the next", &report.Ranking{Metric: "f1", Then: &report.Ranking{Metric: "loss"}}, "1324", "best first: the highest f1, then the highest loss"},
	} {
		t.Run(test.name, func(t *testing.T) {
			j := matrix()
			j.Rank(test.by)
			r := &report.Result{Command: "deploy", Jobs: []report.Job{j}}
			var text strings.Builder
			if err := Text(&text, r, Page{}); err != nil {
				t.Fatal(err)
			}
			for form, got := range map[string]string{"text": text.String(), "Markdown": strings.Join(Summary(r), "\n\n")} {
				at := 0
				for _, number := range strings.Split(test.order, "") {
					next := strings.Index(got, strings.Repeat(number, 8))
					if next < at {
						t.Errorf("%s: run %s is not in its place in:\n%s", form, number, got)
					}
					at = next
				}
				for _, want := range []string{test.says, "lr", "depth", "0.8", "accuracy"} {
					if !strings.Contains(got, want) {
						t.Errorf("%s lacks %q:\n%s", form, want, got)
					}
				}
			}
			text.Reset()
			if err := JSON(&text, r); err != nil {
				t.Fatal(err)
			}
			var back report.Result
			if err := json.Unmarshal([]byte(text.String()), &back); err != nil || back.Jobs[0].BestBy.Metric != j.BestBy.Metric || back.Jobs[0].Runs[0].Params["lr"] != j.Runs[0].Params["lr"] {
				t.Errorf("%v: %s", err, text.String())
			}
		})
	}
}
