package printer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestManyMLflowRuns shows ten runs of a search for parameters, among them the one in which the others are nested.
func TestManyMLflowRuns(t *testing.T) {
	var all []report.MLflowRun
	for n := range 20 {
		all = append(all, report.MLflowRun{ID: fmt.Sprintf("trial%d", n), Nested: true})
	}
	all = append(all, report.MLflowRun{ID: "search"})
	shown, more := shownMLflow(all)
	if shown[0].ID != "search" || shown[9].ID != "trial8" || len(shown) != 10 || more != 11 {
		t.Errorf("%d runs are shown, and %d more: %+v", len(shown), more, shown)
	}
	var text strings.Builder
	if err := Text(&text, &report.Result{Jobs: []report.Job{{Run: report.Run{UUID: "a", MLflow: all}}}}, Page{}); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"text": text.String(), "Markdown": strings.Join(summarizeMLflow(all), "\n")} {
		if strings.Count(got, "trial") != 9 || !strings.Contains(got, "and 11 more runs of MLflow") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}
