package service

import (
	"time"

	"github.com/slipway-ci/slipway/tasks/report"
)

// stillEvery is how often it is said that a service is waited for, if nothing new happens.
const stillEvery = time.Minute

// patience says what a service waits for: what is new at once, and again each minute while it stays the same.
type patience struct {
	*Service
	run string
	// why is what it waits for since a time, and said is when that was said last.
	why         string
	since, said time.Time
}

// starting tells why the service does not run yet, "" if that is unknown.
func (p *patience) starting(why string) {
	if why == "" {
		p.still("it does not run yet")
		return
	}
	if p.still(why) {
		p.Report(report.Event{Kind: report.Status, Step: "up", Subject: p.Job.Name, Run: p.run, Waits: true, Message: why})
	}
}

// still tells what the service waits for if that has been so for another minute. It reports whether why is new,
// and tells nothing then.
func (p *patience) still(why string) bool {
	now := p.Now()
	if why != p.why {
		p.why, p.since, p.said = why, now, now
		return true
	}
	if now.Sub(p.said) >= stillEvery {
		p.said = now
		p.Report(report.Event{Kind: report.Advance, Step: "up", Subject: p.Job.Name, Run: p.run, Message: why, Seconds: now.Sub(p.since).Seconds()})
	}
	return false
}
