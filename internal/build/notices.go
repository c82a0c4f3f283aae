package build

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// noticed maps the levels of builders' notices to kinds of events.
var noticed = map[image.Level]report.Kind{
	image.Begin: report.Start, image.Detail: report.Progress, image.Log: report.Detail, image.Uploading: report.Progress,
	image.Step: report.Advance, image.Note: report.Note, image.Warning: report.Warning, image.Failed: report.Failed,
}

// Notices returns a function that reports a builder's notices about an image as events.
func Notices(p *project.Project, name string) func(image.Notice) {
	return func(n image.Notice) { p.Event(noticed[n.Level], "image", name, noticeText(n)) }
}

// paces is like Notices, but sends what shows the progress of the build through pace.
func paces(p *project.Project, pace *pace) func(image.Notice) {
	return func(n image.Notice) {
		switch n.Level {
		case image.Step:
			pace.step(n.Text)
		case image.Detail, image.Uploading:
			pace.progress(noticeText(n))
		default:
			p.Event(noticed[n.Level], "image", pace.name, n.Text)
		}
	}
}

// noticeText returns the text of a notice, with the bytes and layers of an upload.
func noticeText(n image.Notice) string {
	if n.Level != image.Uploading {
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
