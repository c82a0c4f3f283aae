package build

import (
	"github.com/slipway-ci/slipway/internal/image"
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
	return func(n image.Notice) { p.Report(event(name, n)) }
}

// paces is like Notices, but sends what shows the progress of the build through pace.
func paces(p *project.Project, pace *pace) func(image.Notice) {
	return func(n image.Notice) {
		switch e := event(pace.name, n); n.Level {
		case image.Step, image.Detail, image.Uploading:
			pace.said(e)
		default:
			p.Report(e)
		}
	}
}

// event returns a builder's notice as an event.
func event(name string, n image.Notice) report.Event {
	e := report.Event{Kind: noticed[n.Level], Step: "image", Subject: name, Message: n.Text}
	if n.Level == image.Uploading {
		e.Amount = &report.Amount{Bytes: n.Progress.Bytes, BytesTotal: n.Progress.BytesTotal, Parts: n.Progress.Layers, PartsTotal: n.Progress.Total, Unit: layer}
	}
	return e
}
