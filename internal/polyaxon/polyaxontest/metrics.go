package polyaxontest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// told reads metrics from lines and from a file: when the run is followed, and later.
func (s *suite) told(t *testing.T) {
	of := s.create(t, polyaxon.CreateRun{Content: s.operation(nil,
		`print=slipway-metrics {"val_acc": 0.5, "step": 1}`, `print=slipway-metrics {"val_acc": 0.93, "f1": 0.7, "loss": NaN}`, `print=slipway-metrics {oops`)})
	outcome, err := run.Follow(s.ctx, s.Client, s.target(of.UUID), run.FollowOptions{Logs: true}, &sink{})
	must(t, err)
	check := func(when string, o *run.Outcome, want map[string]float64) {
		if !maps.Equal(o.Metrics, want) {
			t.Errorf("%s: metrics %v, want %v", when, o.Metrics, want)
		}
		for _, warning := range []string{"the line slipway-metrics {oops has no metrics", `metric "loss" is not a finite number`} {
			if !slices.ContainsFunc(o.MetricWarnings, func(text string) bool { return strings.Contains(text, warning) }) {
				t.Errorf("%s: no warning with %q in %q", when, warning, o.MetricWarnings)
			}
		}
	}
	check("followed", outcome, map[string]float64{"val_acc": 0.93, "f1": 0.7})
	must(t, s.Client.Upload(s.ctx, s.artifact(of.UUID, "outputs/metrics.json"), []byte(`{"f1": 0.8, "auc": 0.99}`)))
	must(t, s.Client.Upload(s.ctx, s.artifact(of.UUID, "events/metric/auc.plx"), []byte("step|timestamp|metric\n0|2026-11-23 20:00:00+00:00|0.75")))
	// Polyaxon's metric stands before that of the file, and that before the line.
	outcome, err = run.Summarize(s.ctx, s.Client, s.target(of.UUID), nil)
	must(t, err)
	check("later", outcome, map[string]float64{"val_acc": 0.93, "f1": 0.8, "auc": 0.75})
}
