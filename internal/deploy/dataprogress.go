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
	pace := &pace{now: p.Now}
	return func(now transfer.Progress) {
		p.Report(report.Event{
			Kind: report.Progress, Step: "data", Subject: to, Message: pace.left(now),
			Amount: &report.Amount{Bytes: now.Bytes, BytesTotal: now.BytesTotal, Parts: now.Files, PartsTotal: now.FilesTotal, Unit: "file"},
		})
	}
}

// pace estimates how long a copy takes, by what was copied since the first report. What an earlier copy had left came
// in no time.
type pace struct {
	now         func() time.Time
	began       time.Time
	first, last transfer.Progress
}

// left says how long the rest takes, or returns "" if that is not known yet. A copy that has less than before is
// another one: of what the first has not copied.
func (p *pace) left(now transfer.Progress) string {
	if p.began.IsZero() || now.Bytes < p.last.Bytes {
		p.began, p.first = p.now(), now
	}
	p.last = now
	copied := (now.Bytes - now.Kept) - (p.first.Bytes - p.first.Kept)
	spent := p.now().Sub(p.began)
	if spent <= 2*time.Second || copied <= 0 || now.BytesTotal <= now.Bytes {
		return ""
	}
	left := time.Duration(float64(spent) * float64(now.BytesTotal-now.Bytes) / float64(copied))
	return "about " + left.Round(time.Second).String() + " left"
}
