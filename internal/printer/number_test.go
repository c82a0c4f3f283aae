package printer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestManyMetrics checks that a run with very many metrics, with hostile names, stays readable and harmless.
func TestManyMetrics(t *testing.T) {
	metrics := map[string]float64{"a\x1b[2J": 1, "b|<img>[x](http://y)": 2}
	for n := range 2000 {
		metrics[fmt.Sprintf("m%04d", n)] = float64(n)
	}
	run := report.Run{Status: "succeeded", Metrics: metrics, Number: 1}
	r := &report.Result{Jobs: []report.Job{{Name: "train", Run: run, Runs: []report.Run{run}}}}
	var text strings.Builder
	if err := Text(&text, r, Page{}); err != nil {
		t.Fatal(err)
	}
	summary := strings.Join(Summary(r), "\n")
	if !strings.Contains(text.String(), "and 1952 more metrics (-o json has all)") || !strings.Contains(summary, "1952 more") {
		t.Errorf("the others are not counted:\n%s\n%s", text.String(), summary)
	}
	for _, page := range []string{text.String(), summary} {
		if strings.Contains(page, "\x1b[2J") || len(page) > 10_000 {
			t.Errorf("%d bytes:\n%q", len(page), page)
		}
	}
	if !strings.Contains(summary, "`b\\|<img>[x](http://y)`") {
		t.Errorf("Markdown in a name is not quoted:\n%s", summary)
	}
}
