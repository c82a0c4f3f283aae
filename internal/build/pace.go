package build

import (
	"context"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// paceEvery is how long a build may be silent before an event says that it is still going
// on.
const paceEvery = 15 * time.Second

// pace reports the progress of an image's build. If there has been nothing to report for
// a while, it reports that the build is still going on, because the log of a workflow has
// no moving clock.
type pace struct {
	sink  report.Sink
	name  string
	now   func() time.Time
	every time.Duration

	mu    sync.Mutex
	text  string
	since time.Time // when a line was last sent
	begun time.Time
}

// paced starts reporting the progress of an image's build. It returns the pace, and a
// function that ends it.
func paced(ctx context.Context, p *project.Project, name string) (*pace, func()) {
	began := time.Now()
	c := &pace{sink: p.Events, name: name, now: time.Now, every: paceEvery, text: "building", since: began, begun: began}
	ctx, stop := context.WithCancel(ctx)
	var watching panics.WaitGroup
	watching.Go(func() { c.watch(ctx, clock.Sleep) })
	return c, func() {
		stop()
		watching.Wait()
	}
}

// watch reports periodically that the build is still going on, until ctx is done.
func (c *pace) watch(ctx context.Context, wait func(context.Context, time.Duration) error) {
	for wait(ctx, c.every) == nil {
		c.goesOn()
	}
}

// goesOn reports that the build is still going on, if no line was sent for c.every.
func (c *pace) goesOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.since) >= c.every {
		c.since = now
		c.tell(report.Advance, c.text+", for "+now.Sub(c.begun).Round(time.Second).String()+" now")
	}
}

// step reports that a part of the build begins.
func (c *pace) step(text string) { c.said(report.Advance, text) }

// progress reports how far the build is.
func (c *pace) progress(text string) { c.said(report.Progress, text) }

// said sends an event and remembers its text for goesOn.
func (c *pace) said(kind report.Kind, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = text
	if kind == report.Advance {
		c.since = c.now()
	}
	c.tell(kind, text)
}

// tell sends an event about the image.
func (c *pace) tell(kind report.Kind, text string) {
	c.sink.Event(report.Event{Kind: kind, Step: "image", Subject: c.name, Message: text})
}
