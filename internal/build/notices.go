package build

import (
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// noticeKinds maps the levels of builders' notices to kinds of events.
var noticeKinds = map[image.Level]report.Kind{
	image.Begin: report.Start, image.Detail: report.Progress, image.Log: report.Detail, image.Uploading: report.Progress,
	image.Step: report.Advance, image.Note: report.Note, image.Warning: report.Warning, image.Failed: report.Failed,
}

// Notices returns a function that reports a builder's notices about an image as events. A note that several images
// have, such as one about their base, is reported once.
func Notices(p *project.Project, name string) func(image.Notice) {
	return func(n image.Notice) {
		if n.Level != image.Note || p.FirstTime(n.Text) {
			p.Report(event(name, n))
		}
	}
}

// progressNotices is like Notices, but sends what shows the progress of the build through
// progress.
func progressNotices(p *project.Project, progress *progress) func(image.Notice) {
	report := Notices(p, progress.name)
	return func(n image.Notice) {
		switch n.Level {
		case image.Step, image.Detail, image.Uploading:
			progress.send(event(progress.name, n))
		default:
			report(n)
		}
	}
}

// event returns a builder's notice as an event.
func event(name string, n image.Notice) report.Event {
	e := report.Event{Kind: noticeKinds[n.Level], Step: "image", Subject: name, Message: n.Text}
	if n.Level == image.Uploading {
		e.Amount = &report.Amount{Bytes: n.Progress.Bytes, BytesTotal: n.Progress.BytesTotal, Parts: n.Progress.Layers, PartsTotal: n.Progress.Total, Unit: layer}
	}
	return e
}
