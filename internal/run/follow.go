package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

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

// Sink takes what a run does, from one goroutine, in order.
type Sink interface {
	// Status takes each condition once.
	Status(polyaxon.Condition)
	// Line takes each line once, those of a container in order. Secret values are
	// masked in it; control characters stand as they were printed (see Sanitize).
	Line(polyaxon.LogLine)
	// Waits takes why a run does not run yet and what to do about it, in one line,
	// whenever that changes.
	Waits(why string)
	// Note takes what a reader of the lines should know.
	Note(text string)
}

// Clock is time as Follow sees it.
type Clock interface {
	Now() time.Time
	// Sleep waits for d, or until ctx ends, whose error it then gives.
	Sleep(ctx context.Context, d time.Duration) error
}

type systemClock struct{}

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
	// Mask hides secret values in lines; nil for none.
	Mask func(string) string
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
// o.Patience, or the server refuses to answer, it gives a *LostError, and when the
// run passed o.Limit a *LimitError. Cancelling ctx ends it with ctx's error.
// The run itself is left as it is.
func Follow(ctx context.Context, c *polyaxon.Client, t Target, o FollowOptions, sink Sink) (*Outcome, error) {
	o = o.filled()
	f := &follower{client: c, target: t, options: o, sink: sink, lines: newLines(c, t, o, sink), seen: map[polyaxon.Condition]bool{}}
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
	if err := f.finish(ctx); err != nil {
		return nil, err
	}
	return f.outcome(ctx)
}

type follower struct {
	client  *polyaxon.Client
	target  Target
	options FollowOptions
	sink    Sink
	lines   *lines
	seen    map[polyaxon.Condition]bool
	// held are the conditions of the end: they are told after the last line.
	held []polyaxon.Condition
	// status and conditions are those of the last answer.
	status     polyaxon.Status
	conditions []polyaxon.Condition
	// pods are those last seen; reachable tells whether the cluster answered.
	pods      []corev1.Pod
	reachable bool
	looked    time.Time
	// printed tells that the run may have printed something.
	printed bool
	// answered is how long the server took to tell the status, and quiet the time
	// until which it is not asked for lines again.
	answered time.Duration
	quiet    time.Time
	// running is when the run was first seen running, by the clock.
	running time.Time
	// strange counts the questions since the status is one that is not known.
	strange int
	waiting waiting
}

// poll asks once for statuses and lines and tells whether the run has ended.
func (f *follower) poll(ctx context.Context) (bool, error) {
	asked := f.options.Clock.Now()
	status, conditions, err := f.client.Statuses(ctx, f.target.Project, f.target.UUID)
	f.answered = f.options.Clock.Now().Sub(asked)
	if err != nil {
		return false, err
	}
	f.status, f.conditions = status, conditions
	f.tell(status, conditions)
	if status.Terminal() {
		return true, nil
	}
	if gone, err := f.unknown(ctx, status); gone || err != nil {
		return gone, err
	}
	if f.options.Clock.Now().Sub(f.looked) >= lookEvery {
		f.look(ctx)
	}
	f.waits(ctx, status, conditions)
	if !f.options.Logs || !started(status) {
		return false, nil
	}
	return false, f.read(ctx)
}

// read asks for new lines, less often the longer that takes: an answer with lines is
// much more work than one with a status.
func (f *follower) read(ctx context.Context) error {
	asked := f.options.Clock.Now()
	if asked.Before(f.quiet) {
		return nil
	}
	if !f.direct(ctx) {
		f.lines.leave(ctx) // one source at a time
		if err := f.lines.live(ctx); err != nil && ctx.Err() == nil && !polyaxon.Temporary(err) && !isServer(err) {
			return err
		}
	}
	if !f.lines.busy {
		now := f.options.Clock.Now()
		f.quiet = now.Add(min(f.options.Poll, share*now.Sub(asked)))
	}
	return nil
}

// direct reads the pods, also while those that are being read are all that is reachable.
func (f *follower) direct(ctx context.Context) bool {
	return (f.reachable || len(f.lines.tails) > 0) && f.lines.direct(ctx, f.options.Cluster, f.pods)
}

// tell tells the conditions that are new.
func (f *follower) tell(status polyaxon.Status, conditions []polyaxon.Condition) {
	for _, condition := range conditions {
		f.printed = f.printed || started(condition.Type) && !condition.Type.Terminal()
		same := condition
		same.LastUpdateTime = time.Time{} // some writers move it with every look
		if f.seen[same] {
			continue
		}
		f.seen[same] = true
		if condition.Type.Terminal() {
			f.held = append(f.held, condition)
			continue
		}
		f.sink.Status(condition)
	}
	f.printed = f.printed || started(status) && !status.Terminal()
	if status == polyaxon.Running && f.running.IsZero() {
		f.running = f.options.Clock.Now()
	}
}

// strangePolls is how often a status that is not known is borne before it is
// asked whether the run has ended with it.
const strangePolls = 10

// unknown tells whether a run has ended with a status that is not known.
func (f *follower) unknown(ctx context.Context, status polyaxon.Status) (bool, error) {
	if status.Known() {
		f.strange = 0
		return false, nil
	}
	if f.strange++; f.strange%strangePolls != 0 {
		return false, nil
	}
	run, err := f.client.Run(ctx, f.target.Project, f.target.UUID)
	return err == nil && run.Status == status && !run.FinishedAt.IsZero(), err
}

// finish tells what is left when the run has ended: the last lines, then its end.
func (f *follower) finish(ctx context.Context) error {
	f.look(ctx)
	if f.options.Logs {
		// Pods may be there for a moment still; what is not archived is theirs only.
		f.lines.until = f.options.Clock.Now().Add(lastWords)
		switch {
		case f.direct(ctx):
		case f.printed && !f.options.Whole:
			_ = f.lines.live(ctx) // the archive follows
		}
		if err := f.lines.drain(ctx, f.printed); err != nil {
			return err
		}
	}
	f.survived(ctx)
	for _, condition := range f.held {
		f.sink.Status(condition)
	}
	return nil
}

// survived tells when a run counts as one that succeeded though a pod of it was put
// out of its node: a program that ends with 0 when it is asked to end looks to
// Kubernetes like one that has done its work.
func (f *follower) survived(ctx context.Context) {
	if f.status != polyaxon.Succeeded || !f.reachable || len(f.pods) == 0 {
		return
	}
	events, err := f.options.Cluster.RunEvents(ctx, f.target.UUID, f.pods)
	if err != nil {
		return
	}
	if event := lastEvent(events, "", "Evicted"); event != nil {
		f.sink.Note(fmt.Sprintf("a pod of it was put out of the node (%s), and its program then ended with exit code 0: see whether its work is whole", brief(event.Message)))
	}
}

// outcome asks for all that is known of a run that has ended, for as long as contact
// may be lost. How it ended is known by then: that the server does not answer, or that
// the run was deleted meanwhile, takes from what else is told, and not from that.
func (f *follower) outcome(ctx context.Context) (*Outcome, error) {
	began := f.options.Clock.Now()
	for n := 0; ; n++ {
		outcome, err := summarize(ctx, f.client, f.target, f.lines.last())
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && polyaxon.Temporary(err) && f.options.Clock.Now().Sub(began) < f.options.Patience:
			if err := f.lines.pause(ctx, n); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			f.sink.Note(fmt.Sprintf("the run has ended, and the server tells no more of it: %v", err))
			outcome = &Outcome{Run: polyaxon.Run{UUID: f.target.UUID, Project: f.target.Project, Status: f.status}, Conditions: f.conditions, LastLines: f.lines.last()}
		}
		outcome.Failure = failure(outcome.Run.Status, outcome.Conditions, f.pods)
		outcome.pulled(f.pods)
		return outcome, nil
	}
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
