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
	// Kind is the run's runtime, or its kind where the server tells no runtime.
	Kind string
}

func (t Target) artifact(path string) polyaxon.Artifact {
	return polyaxon.Artifact{Namespace: t.Namespace, Project: t.Project, UUID: t.UUID, Path: path}
}

// Sink takes what a run does, one thing after the other.
type Sink interface {
	// Status takes each condition once. One by which a run warns is told by Waits, too,
	// in words that say what to do.
	Status(polyaxon.Condition)
	// Line takes each line once, those of a container in order. Secret values are
	// masked in it; control characters stand as they were printed (see Sanitize).
	Line(polyaxon.LogLine)
	// Waits takes why a run does not run yet and what to do about it, in one line,
	// whenever that changes.
	Waits(why string)
	// Progress takes how far something is that goes on just now, in one line: the
	// next one stands for it. It is not part of the log.
	Progress(text string)
	// Note takes what a reader of the lines should know.
	Note(text string)
}

// Clock is time as Follow sees it.
type Clock interface {
	Now() time.Time
	// Sleep waits for d, or until ctx ends, whose error it then gives.
	Sleep(ctx context.Context, d time.Duration) error
	// AfterFunc calls f once when d has passed, unless stop is called before.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type systemClock struct{}

func (systemClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

func (systemClock) Now() time.Time                                   { return time.Now() }
func (systemClock) Sleep(ctx context.Context, d time.Duration) error { return clock.Wait(ctx, d) }

// FollowOptions say how to follow.
type FollowOptions struct {
	Clock Clock
	// Poll is the longest time between two questions, 1 s when zero. A run that
	// began just now, or prints much, is asked about more often, and so is a server
	// that answers at once.
	Poll time.Duration
	// Patience is how long no answer at all is borne, 2 minutes when zero.
	Patience time.Duration
	// Limit is how long the run may run, as this machine sees it, before Follow
	// gives a *LimitError; zero for ever.
	Limit time.Duration
	// Logs takes lines too; AllContainers those of init and sidecar containers too.
	Logs, AllContainers bool
	// Whole tells that the server's live answers leave out nothing, as the
	// sandbox's do.
	Whole bool
	// Cluster, where there is access to it, is asked for what Polyaxon does not tell.
	Cluster Cluster
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

const (
	// firstPoll is the time between the first two questions.
	firstPoll = 25 * time.Millisecond
	// promptPoll is the longest time between two questions to a server that answers
	// at once: with what follows the end of a run, it is seen within 300 ms.
	promptPoll = 150 * time.Millisecond
	// share is how many times longer than an answer took the next question waits,
	// so that a slow server is not kept busy.
	share = 10
)

// LostError says that contact was lost, and how the run ends is unknown.
type LostError struct {
	Target  Target
	Host    string
	Silence time.Duration
	Err     error
}

// Error says where the run is.
func (e *LostError) Error() string {
	if e.Silence < time.Second {
		return fmt.Sprintf("%s tells no more of run %s of project %s, and how it ends is unknown: %v", e.Host, e.Target.UUID, e.Target.Project, e.Err)
	}
	return fmt.Sprintf("contact with %s was lost for %s; run %s of project %s may go on there, and how it ends is unknown: %v",
		e.Host, e.Silence.Round(time.Second), e.Target.UUID, e.Target.Project, e.Err)
}

// Unwrap gives the last error.
func (e *LostError) Unwrap() error { return e.Err }

// LimitError says that a run went on for longer than it may.
type LimitError struct {
	Target Target
	Limit  time.Duration
	// LastLines are the last lines of the main container, at most 20.
	LastLines []string
}

// Error names the run and its limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("run %s still runs after %s", e.Target.UUID, e.Limit)
}

// Follow tells sink what the run does until it has ended, and gives its outcome.
// It goes on through errors that may pass; when there was no answer for
// o.Patience, or the server refuses to answer, or nobody ends a run that is stopping,
// it gives a *LostError, and when the run passed o.Limit a *LimitError. Cancelling ctx
// ends it with ctx's error, or with the run's outcome when that was seen by then.
// The run itself is left as it is.
func Follow(ctx context.Context, c *polyaxon.Client, t Target, o FollowOptions, sink Sink) (*Outcome, error) {
	o = o.filled()
	sink = &oneAtATime{sink: sink}
	f := &follower{client: c, target: t, options: o, sink: sink, lines: newLines(c, t, o, sink), seen: map[polyaxon.Condition]int{}}
	f.lines.tails = map[key]*podReading{}
	defer f.lines.closeTails()
	heard := o.Clock.Now()
	silence := func() time.Duration { return o.Clock.Now().Sub(heard) }
	for wait := firstPoll; ; {
		ended, err := f.poll(ctx)
		longest := min(o.Poll, max(promptPoll, share*f.answered))
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil:
			heard = o.Clock.Now()
		case !polyaxon.Temporary(err), silence() >= o.Patience:
			// Refused for good is a run that is gone, or a token that has expired.
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
