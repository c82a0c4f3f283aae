package build

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// noticed are the kinds of events that builders' notices are.
var noticed = map[image.Level]report.Kind{
	image.Begin: report.Start, image.Detail: report.Progress, image.Log: report.Detail, image.Moving: report.Progress,
	image.Step: report.Advance, image.Note: report.Note, image.Warning: report.Warning, image.Failed: report.Failed,
}

// Notices returns a function that reports what a builder has to say of an image.
func Notices(p *project.Project, name string) func(image.Notice) {
	return func(n image.Notice) { p.Event(noticed[n.Level], "image", name, noticeText(n)) }
}

// paces is Notices at the pace of a build.
func paces(p *project.Project, pace *pace) func(image.Notice) {
	return func(n image.Notice) {
		switch n.Level {
		case image.Step:
			pace.step(n.Text)
		case image.Detail, image.Moving:
			pace.progress(noticeText(n))
		default:
			p.Event(noticed[n.Level], "image", pace.name, n.Text)
		}
	}
}

func noticeText(n image.Notice) string {
	if n.Level != image.Moving {
		return n.Text
	}
	text := printer.Part(n.Progress.Bytes, n.Progress.BytesTotal)
	if n.Text != "" {
		text = n.Text + ": " + text
	}
	if n.Progress.Total > 0 {
		text += fmt.Sprintf(", %d of %d layers", n.Progress.Layers, n.Progress.Total)
	}
	return text
}
