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

// progressInterval is how long a build may be silent before an event says that it is still
// going on.
const progressInterval = 15 * time.Second

// progress reports the progress of an image's build. If there has been nothing to report for
// a while, it reports that the build is still going on, because the log of a workflow has
// no moving clock.
type progress struct {
	report func(report.Event)
	name   string
	now    func() time.Time
	every  time.Duration

	mu sync.Mutex
	// last is the event that was sent last. An event with news was sent at since. The build
	// began at started.
	last           report.Event
	since, started time.Time
}

// startProgress starts reporting the progress of an image's build. It returns the progress,
// and a function that ends it.
func startProgress(ctx context.Context, p *project.Project, name string) (*progress, func()) {
	began := time.Now()
	c := &progress{report: p.Report, name: name, now: time.Now, every: progressInterval, since: began, started: began}
	c.last = report.Event{Step: "image", Subject: name, Message: "building"}
	ctx, stop := context.WithCancel(ctx)
	var watching panics.WaitGroup
	watching.Go(func() { c.watch(ctx, clock.Sleep) })
	return c, func() {
		stop()
		watching.Wait()
	}
}

// watch reports periodically that the build is still going on, until ctx is done.
func (c *progress) watch(ctx context.Context, wait func(context.Context, time.Duration) error) {
	for wait(ctx, c.every) == nil {
		c.stillBuilding()
	}
}

// stillBuilding reports that the build is still going on, if no line was sent for c.every.
func (c *progress) stillBuilding() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.since) >= c.every {
		c.since = now
		e := c.last
		e.Kind, e.Seconds = report.Advance, now.Sub(c.started).Seconds()
		c.report(e)
	}
}

// send sends an event and remembers it for stillBuilding.
func (c *progress) send(e report.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = e
	if e.Kind == report.Advance {
		c.since = c.now()
	}
	c.report(e)
}
