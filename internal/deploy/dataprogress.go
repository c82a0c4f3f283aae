package deploy

import (
	"time"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Tell makes a copy report what it leaves out, and how far it is.
func Tell(p *project.Project, o *transfer.Options, subject string) {
	o.Skipped = func(name, why string) { p.Event(report.Note, "data", name, "is left out: "+why) }
	o.Progress = progress(p, subject)
}

// progress returns a function that reports how far a copy is, with an estimate of what is left.
func progress(p *project.Project, to string) func(transfer.Progress) {
	began := p.Now()
	return func(now transfer.Progress) {
		message := ""
		if spent := p.Now().Sub(began); spent > 2*time.Second && now.Bytes > 0 && now.BytesTotal > now.Bytes {
			left := time.Duration(float64(spent) * float64(now.BytesTotal-now.Bytes) / float64(now.Bytes))
			message = "about " + left.Round(time.Second).String() + " left"
		}
		p.Report(report.Event{
			Kind: report.Progress, Step: "data", Subject: to, Message: message,
			Amount: &report.Amount{Bytes: now.Bytes, BytesTotal: now.BytesTotal, Parts: now.Files, PartsTotal: now.FilesTotal, Unit: "file"},
		})
	}
}
