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
	// seen counts how often each condition was reported.
	seen map[polyaxon.Condition]int
	// held are the conditions of the end, which are reported after the last line.
	held []polyaxon.Condition
	// status and conditions are those of the last response.
	status     polyaxon.Status
	conditions []polyaxon.Condition
	// pods are the pods as last seen, at the time looked. reachable reports whether the
	// cluster responded then.
	pods      []corev1.Pod
	reachable bool
	podsAt    time.Time
	// printed reports whether the run may have printed something.
	printed bool
	// latency is how long the last request for the statuses took. nextRead is when lines
	// may be requested again.
	latency  time.Duration
	nextRead time.Time
	// running is when the run was first seen running, by this machine's clock.
	running time.Time
	// unknownStatuses counts the responses in a row whose status is not known.
	unknownStatuses int
	waiting         waiting
	ending          ending
}

// poll requests the statuses and the lines once and reports whether the run has ended.
func (f *follower) poll(ctx context.Context) (bool, error) {
	asked := f.options.Clock.Now()
	status, conditions, err := f.client.Statuses(ctx, f.target.Project, f.target.UUID)
	f.latency = f.options.Clock.Now().Sub(asked)
	if err != nil {
		return false, err
	}
	f.status, f.conditions = status, conditions
	f.report(status, conditions)
	if status.Terminal() {
		return true, nil
	}
	if gone, err := f.unknown(ctx, status); gone || err != nil {
		return gone, err
	}
	if f.options.Clock.Now().Sub(f.podsAt) >= podsInterval {
		f.look(ctx)
	}
	f.waits(ctx, status, conditions)
	if !f.options.Logs || !started(status) {
		return false, nil
	}
	return false, f.read(ctx)
}

// read requests new lines. The longer a request takes, the longer the pause after it,
// since lines are much more work for a server than a status.
func (f *follower) read(ctx context.Context) error {
	asked := f.options.Clock.Now()
	if asked.Before(f.nextRead) {
		return nil
	}
	if !f.direct(ctx) {
		f.lines.detachTails(ctx) // use only one source at a time
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

// direct reads the logs from the pods and reports whether it could. It continues to read
// the logs that are open when the cluster cannot be reached.
func (f *follower) direct(ctx context.Context) bool {
	return (f.reachable || len(f.lines.tails) > 0) && f.lines.direct(ctx, f.options.Cluster, f.pods)
}

// report reports the conditions that are new.
func (f *follower) report(status polyaxon.Status, conditions []polyaxon.Condition) {
	found := map[polyaxon.Condition]int{}
	for _, condition := range conditions {
		f.printed = f.printed || started(condition.Type) && !condition.Type.Terminal()
		same := condition
		same.LastUpdateTime = time.Time{} // some writers update it on every poll
		if same.Reason == reasonPulling {
			same.Message = "" // its message is reported as progress
		}
		// Count equal conditions, so that a run that is running again is reported again: the
		// operator gives all its conditions the transition time of the first one.
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

// unknownStatusPolls is after how many responses with an unknown status the run is checked for
// its end.
const unknownStatusPolls = 10

// unknown reports whether a run has ended with a status that is not known.
func (f *follower) unknown(ctx context.Context, status polyaxon.Status) (bool, error) {
	if status.Known() {
		f.unknownStatuses = 0
		return false, nil
	}
	if f.unknownStatuses++; f.unknownStatuses%unknownStatusPolls != 0 {
		return false, nil
	}
	run, err := f.client.Run(ctx, f.target.Project, f.target.UUID)
	return err == nil && run.Status == status && !run.FinishedAt.IsZero(), err
}

// started reports whether pods may have printed something.
func started(s polyaxon.Status) bool {
	switch s {
	case polyaxon.Created, polyaxon.OnSchedule, polyaxon.Compiled, polyaxon.Queued, polyaxon.Scheduled, polyaxon.Unschedulable:
		return false
	}
	return true
}

// isServer reports whether err is a response of a server.
func isServer(err error) bool {
	var e *polyaxon.Error
	return errors.As(err, &e)
}
