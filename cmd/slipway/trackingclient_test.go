package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestTrackingClient executes the programs of docs/metrics.md in the sandbox, with Polyaxon's real tracking
// client, and finds what they report in the result.
func TestTrackingClient(t *testing.T) {
	t.Parallel()
	if !testenv.Thorough() {
		t.Skip("CI stages Polyaxon's client, which is large; the story metrics has lines and a file")
	}
	packages, base := testenv.TrackingClient(t), testenv.PythonBase(t)
	files := metricsPage(t)
	delete(files, "logged.py") // TestMLflow runs it
	end := "tracking.end()"    // the client changes names, and needs no step
	files["tracked.py"] = strings.Replace(files["tracked.py"], end, `tracking.log_metrics(**{"val/acc": 0.5, "top 5": 0.7})`+"\n"+end, 1)
	result, _, said := newPageStage(t, packages, base, files, nil).deploy(t)
	want := map[string]map[string]float64{"tracked": {"val_acc": 0.93, metrics.TrackedName("val/acc"): 0.5, metrics.TrackedName("top 5"): 0.7}, "printed": {"val_acc": 0.93}, "written": {"auc": 0.8}}
	for _, j := range result.Jobs {
		if !maps.Equal(j.Metrics, want[j.Name]) {
			t.Errorf("%s reports %v, want %v:\n%s", j.Name, j.Metrics, want[j.Name], said)
		}
	}
	if len(result.Jobs) != len(want) {
		t.Errorf("%d jobs", len(result.Jobs))
	}
}

// metricsPage returns the files that docs/metrics.md prints.
func metricsPage(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(page), "\n## ")
	return blocksOf(t, first, "tracked.py", "logged.py", "printed.py", "written.py", "train.yml", "slipway.yaml")
}
