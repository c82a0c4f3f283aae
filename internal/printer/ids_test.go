package printer

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestShortenIDs checks that ids are shortened where they name a run, but not in paths and
// digests.
func TestShortenIDs(t *testing.T) {
	uuid := "0123456789abcdef0123456789abcdef"
	for text, want := range map[string]string{
		"run " + uuid + " of job a failed; slipway stop " + uuid: "run 01234567 of job a failed; slipway stop 01234567",
		"in .slipway/artifacts/" + uuid + "/outputs":             "in .slipway/artifacts/" + uuid + "/outputs",
		"run " + uuid + uuid:                                     "run " + uuid + uuid,
	} {
		if got := ShortenIDs(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	var b strings.Builder
	if err := Text(&b, &report.Result{Runs: []report.Run{{UUID: uuid, RunName: "a"}, {UUID: uuid}}}, Page{}); err != nil || strings.Contains(b.String(), uuid) || !strings.Contains(b.String(), "01234567") {
		t.Errorf("%v: %s", err, b.String())
	}
}
