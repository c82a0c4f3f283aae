package run

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// follower is the state of following one run.
type follower struct {
	client  *polyaxon.Client
	target  Target
	options FollowOptions
	sink    Sink
	lines   *lines
	// seen counts how often each condition was told.
	seen map[polyaxon.Condition]int
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
	// answered is how long the server took to tell the status, and nextRead the time
	// until which it is not asked for lines again.
	answered time.Duration
	nextRead time.Time
	// running is when the run was first seen running, by the clock.
	running time.Time
	// strange counts the questions since the status is one that is not known.
	strange int
	waiting waiting
	ending  ending
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
	if asked.Before(f.nextRead) {
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
		f.nextRead = now.Add(min(f.options.Poll, share*now.Sub(asked)))
	}
	return nil
}

// direct reads the pods, also while those that are being read are all that is reachable.
func (f *follower) direct(ctx context.Context) bool {
	return (f.reachable || len(f.lines.tails) > 0) && f.lines.direct(ctx, f.options.Cluster, f.pods)
}

// tell tells the conditions that are new.
func (f *follower) tell(status polyaxon.Status, conditions []polyaxon.Condition) {
	found := map[polyaxon.Condition]int{}
	for _, condition := range conditions {
		f.printed = f.printed || started(condition.Type) && !condition.Type.Terminal()
		same := condition
		same.LastUpdateTime = time.Time{} // some writers move it with every look
		if same.Reason == pulling {
			same.Message = "" // which is told as progress
		}
		// A run that runs again is told so again, though the operator gives all that it
		// says the time of its first word.
		if found[same]++; f.seen[same] >= found[same] {
			continue
		}
		f.seen[same]++
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
