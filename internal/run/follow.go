package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Target names the run to follow.
type Target struct {
	Namespace, Project, UUID string
	// Kind is the run's runtime, or its kind where the server tells no runtime.
	Kind string
}

func (t Target) artifact(path string) polyaxon.Artifact {
	return polyaxon.Artifact{Namespace: t.Namespace, Project: t.Project, UUID: t.UUID, Path: path}
}

// Sink takes what a run does, from one goroutine, in order.
type Sink interface {
	// Status takes each condition once.
	Status(polyaxon.Condition)
	// Line takes each line once.
	Line(polyaxon.LogLine)
}

// Clock is time as Follow sees it.
type Clock interface {
	Now() time.Time
	// Sleep waits for d, or until ctx ends, whose error it then gives.
	Sleep(ctx context.Context, d time.Duration) error
}

type systemClock struct{}

func (systemClock) Now() time.Time                                   { return time.Now() }
func (systemClock) Sleep(ctx context.Context, d time.Duration) error { return pause(ctx, d) }

// FollowOptions say how to follow.
type FollowOptions struct {
	Clock Clock
	// Poll is the longest time between two questions, 1 s when zero. A run that
	// began just now is asked more often.
	Poll time.Duration
	// Patience is how long no answer at all is borne, 2 minutes when zero.
	Patience time.Duration
	// Logs takes lines too; AllContainers those of init and sidecar containers too.
	Logs, AllContainers bool
}

func (o FollowOptions) filled() FollowOptions {
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	return o
}

// firstPoll is the time between the first two questions.
const firstPoll = 25 * time.Millisecond

// LostError says that contact was lost, and how the run ends is unknown.
type LostError struct {
	Target  Target
	Host    string
	Silence time.Duration
	Err     error
}

// Error says where the run is.
func (e *LostError) Error() string {
	return fmt.Sprintf("contact with %s was lost for %s; run %s of project %s may go on there, and how it ends is unknown: %v",
		e.Host, e.Silence.Round(time.Second), e.Target.UUID, e.Target.Project, e.Err)
}

// Unwrap gives the last error.
func (e *LostError) Unwrap() error { return e.Err }

// Follow tells sink what the run does until it has ended, and gives its outcome.
// It goes on through errors that may pass; when there was no answer for
// o.Patience it gives a *LostError. Cancelling ctx ends it with ctx's error and
// leaves the run as it is.
func Follow(ctx context.Context, c *polyaxon.Client, t Target, o FollowOptions, sink Sink) (*Outcome, error) {
	o = o.filled()
	f := &follower{client: c, target: t, options: o, sink: sink, lines: newLines(c, t, o, sink)}
	heard := o.Clock.Now()
	for wait := firstPoll; ; wait = min(wait*3/2, o.Poll) {
		ended, err := f.poll(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil:
			heard = o.Clock.Now()
		case !polyaxon.Temporary(err):
			return nil, err
		case o.Clock.Now().Sub(heard) >= o.Patience:
			return nil, &LostError{Target: t, Host: c.Host(), Silence: o.Clock.Now().Sub(heard), Err: err}
		}
		if ended {
			break
		}
		if err := o.Clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
	if o.Logs {
		if err := f.lines.drain(ctx); err != nil {
			return nil, err
		}
	}
	for _, condition := range f.held {
		sink.Status(condition)
	}
	outcome, err := summarize(ctx, c, t, f.lines.last())
	if err != nil && ctx.Err() == nil && polyaxon.Temporary(err) {
		return nil, &LostError{Target: t, Host: c.Host(), Silence: o.Clock.Now().Sub(heard), Err: err}
	}
	return outcome, err
}

type follower struct {
	client  *polyaxon.Client
	target  Target
	options FollowOptions
	sink    Sink
	lines   *lines
	seen    []polyaxon.Condition
	// held are the conditions of the end: they are told after the last line.
	held []polyaxon.Condition
}

// poll asks once for statuses and lines and tells whether the run has ended.
func (f *follower) poll(ctx context.Context) (bool, error) {
	status, conditions, err := f.client.Statuses(ctx, f.target.Project, f.target.UUID)
	if err != nil {
		return false, err
	}
	for _, condition := range conditions {
		if slices.ContainsFunc(f.seen, func(s polyaxon.Condition) bool { return s == condition }) {
			continue
		}
		f.seen = append(f.seen, condition)
		if condition.Type.Terminal() {
			f.held = append(f.held, condition)
			continue
		}
		f.sink.Status(condition)
	}
	if status.Terminal() {
		return true, nil
	}
	if f.options.Logs && started(status) {
		if f.lines.newest.IsZero() && len(conditions) > 0 {
			f.lines.newest = conditions[0].LastTransitionTime
		}
		if err := f.lines.live(ctx); err != nil && ctx.Err() == nil && !polyaxon.Temporary(err) && !isServer(err) {
			return false, err
		}
	}
	return false, nil
}

// started tells whether pods may have printed something.
func started(s polyaxon.Status) bool {
	switch s {
	case polyaxon.Created, polyaxon.OnSchedule, polyaxon.Compiled, polyaxon.Queued, polyaxon.Scheduled, polyaxon.Unschedulable:
		return false
	}
	return true
}

func isServer(err error) bool {
	var e *polyaxon.Error
	return errors.As(err, &e)
}
