package runs

import (
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// A job's name stands for its newest run, or for one that goes on if the newest was stopped.
func TestRunOfAName(t *testing.T) {
	for _, c := range []struct {
		newestFirst []polyaxon.Status
		want        int
	}{
		{[]polyaxon.Status{polyaxon.Running}, 0},
		{[]polyaxon.Status{polyaxon.Stopping}, 0},
		{[]polyaxon.Status{polyaxon.Running, polyaxon.Running}, 0},
		{[]polyaxon.Status{polyaxon.Stopping, polyaxon.Running}, 1},
		{[]polyaxon.Status{polyaxon.Stopped, polyaxon.Queued}, 1},
		{[]polyaxon.Status{polyaxon.Stopped, polyaxon.Stopping, polyaxon.Succeeded, polyaxon.Starting}, 3},
		{[]polyaxon.Status{polyaxon.Stopped, polyaxon.Succeeded}, 0},
		{[]polyaxon.Status{polyaxon.Failed, polyaxon.Running}, 0},
	} {
		var runs []polyaxon.Run
		for n, status := range c.newestFirst {
			runs = append(runs, polyaxon.Run{UUID: string(rune('a' + n)), Status: status})
		}
		if got, want := meant(runs).UUID, runs[c.want].UUID; got != want {
			t.Errorf("%s: %s, want %s", c.newestFirst, got, want)
		}
	}
}
