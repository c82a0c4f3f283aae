package build

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// messages collects the messages of events.
type messages []string

func (m *messages) Event(e report.Event) { *m = append(*m, e.Message) }

// TestNoteOnce checks that a note about a base is told once, whatever the number of images on it.
func TestNoteOnce(t *testing.T) {
	var said messages
	p := &project.Project{Env: &project.Env{Events: project.NewRecorder(&said, time.Now), Now: time.Now}}
	for _, name := range []string{"api", "page"} {
		for _, notify := range []func(image.Notice){Notices(p, name), progressNotices(p, &progress{name: name, now: time.Now})} {
			notify(image.Notice{Level: image.Note, Text: "commit slipway.lock"})
			notify(image.Notice{Level: image.Log, Text: "compiled"})
		}
	}
	if diff := cmp.Diff(messages{"commit slipway.lock", "compiled", "compiled", "compiled", "compiled"}, said); diff != "" {
		t.Error(diff)
	}
}
