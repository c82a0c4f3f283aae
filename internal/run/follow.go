package run

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Target names the run to follow.
type Target struct {
	Namespace, Project, UUID string
	// Kind is the run's runtime, or its kind if the server returns no runtime.
	Kind string
}

// artifact names a file or a directory of the run.
func (t Target) artifact(path string) polyaxon.Artifact {
	return polyaxon.Artifact{Namespace: t.Namespace, Project: t.Project, UUID: t.UUID, Path: path}
}

// Sink receives the events of a run. Its methods are called one at a time.
type Sink interface {
	// Status receives each condition once. A condition that is a warning is also passed to
	// Waits, in words that say what to do.
	Status(polyaxon.Condition)
	// Line receives each line once, and the lines of a container in order. Secret values are
	// masked in it. Control characters are as the container printed them (see logline.Sanitize).
	Line(polyaxon.LogLine)
	// Waits receives the reason why a run does not run yet and what to do about it, in one
	// line, whenever the reason changes.
	Waits(why string)
	// Progress receives the progress of something that is going on, in one line that
	// replaces the previous one. It is not part of the log.
	Progress(text string)
	// Note receives what a reader of the log should know.
	Note(text string)
}

// Clock is the source of time for Follow.
type Clock interface {
	Now() time.Time
	// Sleep waits until d has passed and returns nil, or until ctx is done and returns its
	// error.
	Sleep(ctx context.Context, d time.Duration) error
	// AfterFunc calls f once after d has passed, unless stop is called before.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// systemClock is the real time.
type systemClock struct{}

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

func (systemClock) Now() time.Time                                   { return time.Now() }
func (systemClock) Sleep(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, d) }

// FollowOptions configure Follow and Logs.
type FollowOptions struct {
	// Clock is the source of time. Nil means the real time.
	Clock Clock
	// Poll is the maximum time between two requests. Zero means 1 s. Requests are more
	// frequent for a run that has just begun or that prints much, and for a server that
	// responds quickly.
	Poll time.Duration
	// Patience is how long to retry while the server does not respond. Zero means 2 minutes.
	Patience time.Duration
	// Limit is how long the run may be running, by this machine's clock, before Follow
	// returns a *LimitError. Zero means no limit.
	Limit time.Duration
	// Logs turns on the lines of the main containers. AllContainers adds those of init
	// containers and sidecars.
	Logs, AllContainers bool
	// CompleteLive reports whether the server's live responses have all lines, as those of the
	// sandbox do.
	CompleteLive bool
	// Cluster, if not nil, is asked for what Polyaxon does not report.
	Cluster Cluster
}

// filled returns o with the defaults filled in.
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

const (
	// firstPoll is the time between the first two requests.
	firstPoll = 25 * time.Millisecond
	// promptPoll is the maximum time between two requests to a server that responds quickly.
	// With it, the end of a run is reported within 300 ms.
	promptPoll = 150 * time.Millisecond
	// share limits the load on a slow server: the pause before the next request is up to
	// this many times as long as the response took.
	share = 10
)

// LostError reports that contact with the server was lost, so that it is unknown how the
// run ends.
type LostError struct {
	Target  Target
	Host    string
	Silence time.Duration
	Err     error
}

// Error implements error. It names the run and the server.
func (e *LostError) Error() string {
	if e.Silence < time.Second {
		return fmt.Sprintf("%s rejects requests for run %s of project %s, so that it is unknown how it ends: %v", e.Host, e.Target.UUID, e.Target.Project, e.Err)
	}
	return fmt.Sprintf("contact with %s was lost for %s; run %s of project %s may still be running there, and it is unknown how it ends: %v",
		e.Host, e.Silence.Round(time.Second), e.Target.UUID, e.Target.Project, e.Err)
}

// Unwrap returns the last error.
func (e *LostError) Unwrap() error { return e.Err }

// LimitError reports that a run was running for longer than its limit.
type LimitError struct {
	Target Target
	Limit  time.Duration
	// LastLines are the last lines of the main container, at most 20.
	LastLines []string
}

// Error implements error. It names the run and its limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("run %s timed out: it is still running after %s", e.Target.UUID, e.Limit)
}

// Follow reports the events of a run to sink until the run has ended, and returns its
// outcome. It retries temporary errors. It returns a *LostError if there was no response
// for o.Patience, if the server rejects the request, or if a run stays in the status
// stopping for too long. It returns a *LimitError if the run exceeds o.Limit. When ctx is
// canceled, it returns ctx's error, or the outcome if the end of the run was seen before.
// It never changes the run.
func Follow(ctx context.Context, c *polyaxon.Client, t Target, o FollowOptions, sink Sink) (*Outcome, error) {
	o = o.filled()
	sink = &lockedSink{sink: sink}
	f := &follower{client: c, target: t, options: o, sink: sink, lines: newLines(c, t, o, sink), seen: map[polyaxon.Condition]int{}}
	f.lines.tails = map[key]*podReading{}
	defer f.lines.closeTails()
	heard := o.Clock.Now()
	silence := func() time.Duration { return o.Clock.Now().Sub(heard) }
	for wait := firstPoll; ; {
		ended, err := f.poll(ctx)
		longest := min(o.Poll, max(promptPoll, share*f.latency))
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil:
			heard = o.Clock.Now()
		case !polyaxon.Temporary(err), silence() >= o.Patience:
			// A rejected request means that the run was deleted or that the token has expired.
			return nil, &LostError{Target: t, Host: c.Host(), Silence: silence(), Err: err}
		}
		if err := f.stuck(); err != nil {
			return nil, &LostError{Target: t, Host: c.Host(), Err: err}
		}
		if ended {
			break
		}
		if o.Limit > 0 && !f.running.IsZero() && o.Clock.Now().Sub(f.running) >= o.Limit {
			return nil, &LimitError{Target: t, Limit: o.Limit, LastLines: f.lines.last()}
		}
		if f.lines.busy {
			wait = firstPoll
		}
		if err := o.Clock.Sleep(ctx, min(wait, longest)); err != nil {
			return nil, err
		}
		wait = min(wait*3/2, o.Poll)
	}
	f.finish(ctx)
	return f.outcome(ctx), nil
}
