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

// paceEvery is how long a build may be silent until it is said that it goes on.
const paceEvery = 15 * time.Second

// pace tells how far the build of an image is, and that it still goes on when nothing
// has been told for a while: logs of workflows have no clock that moves.
type pace struct {
	sink  report.Sink
	name  string
	now   func() time.Time
	every time.Duration

	mu    sync.Mutex
	text  string
	since time.Time // when that was told
	begun time.Time
}

// paced returns the pace of an image's build, and a function that ends it.
func paced(ctx context.Context, p *project.Project, name string) (*pace, func()) {
	began := time.Now()
	c := &pace{sink: p.Events, name: name, now: time.Now, every: paceEvery, text: "building", since: began, begun: began}
	ctx, stop := context.WithCancel(ctx)
	var watching panics.WaitGroup
	watching.Go(func() { c.watch(ctx, clock.Wait) })
	return c, func() {
		stop()
		watching.Wait()
	}
}

// watch says every now and then that the build goes on, until ctx ends.
func (c *pace) watch(ctx context.Context, wait func(context.Context, time.Duration) error) {
	for wait(ctx, c.every) == nil {
		c.goesOn()
	}
}

func (c *pace) goesOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.since) >= c.every {
		c.since = now
		c.tell(report.Advance, c.text+", for "+now.Sub(c.begun).Round(time.Second).String()+" now")
	}
}

// step tells that a part of the build begins.
func (c *pace) step(text string) { c.said(report.Advance, text) }

// progress tells how far the build is.
func (c *pace) progress(text string) { c.said(report.Progress, text) }

func (c *pace) said(kind report.Kind, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = text
	if kind == report.Advance {
		c.since = c.now()
	}
	c.tell(kind, text)
}

func (c *pace) tell(kind report.Kind, text string) {
	c.sink.Event(report.Event{Kind: kind, Step: "image", Subject: c.name, Message: text})
}
