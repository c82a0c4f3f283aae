package printer

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestRunNamesItsSource shows the commit of a run, and what came of what its job requires.
func TestRunNamesItsSource(t *testing.T) {
	for gate, want := range map[string]string{
		"met": "\n  require: met\n", "failed": "\n  require: NOT met: slipway plan says why\n", "pending": "\n  require: not checked yet: ", "": "",
	} {
		var out strings.Builder
		run := report.Run{UUID: "4e1c", Status: "succeeded", Commit: "1b0ee9a-dirty", Gate: gate, History: []report.Transition{}}
		if err := Text(&out, &report.Result{Runs: []report.Run{run}}, Page{}); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); !strings.Contains(text, "\n  commit: 1b0ee9a-dirty\n") || !strings.Contains(text, want) || want == "" && strings.Contains(text, "require") {
			t.Errorf("%q: %s", gate, text)
		}
	}
}
