package run

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Times are how a run spent its time; what is not known is nil.
//
// Polyaxon tells less than it seems to. Its operator says `starting` when it has made
// the job object, which may be long before a pod has a node, and the server counts
// the run's duration from there. When a pod had a node only the pod tells; else
// what is sure is when the run was running.
type Times struct {
	// Queued is the time until the run's pod had a node; where Pulling is not known,
	// the time until it ran.
	Queued *time.Duration
	// Pulling is the time from then until it ran: its images are pulled, and its init
	// containers run.
	Pulling *time.Duration
	// Running is the time from then to its end, or until now.
	Running *time.Duration
}

// Node gives how long the run had a node, as far as that is known, or nil.
func (t Times) Node() *time.Duration {
	if t.Running == nil || t.Pulling == nil {
		return t.Running
	}
	return known(*t.Pulling + *t.Running)
}

// known gives a time that is known. Clocks go back, and those of two machines differ:
// it is never negative.
func known(d time.Duration) *time.Duration {
	d = max(0, d)
	return &d
}

// TimesOf gives the times of a run from its conditions and, where they could be read,
// its pods. now is the time by the server's clock, for a run that goes on.
func TimesOf(r *polyaxon.Run, conditions []polyaxon.Condition, pods []corev1.Pod, now time.Time) Times {
	s := storyOf(r, conditions, now)
	if t, ok := s.byPods(pods); ok {
		return t
	}
	return s.byConditions()
}

// story is when what happened to a run, as Polyaxon tells it. The server's clock
// gives begin, started and end, the operator's job and ran.
type story struct {
	status              polyaxon.Status
	begin, started, end time.Time
	// job is when the operator had made the job, or told the first that it told, which
	// is when the server has the run started; ran is when it was running.
	job, ran time.Time
	// made tells that there was a job.
	made bool
}

func storyOf(r *polyaxon.Run, conditions []polyaxon.Condition, now time.Time) story {
	s := story{status: r.Status, begin: r.CreatedAt, started: r.StartedAt, end: r.FinishedAt}
	for i, c := range slices.Backward(conditions) {
		if c.Type == polyaxon.Resuming { // what was before is another life
			s.begin, s.started, conditions = c.At(), time.Time{}, conditions[i:]
			break
		}
	}
	for _, c := range conditions {
		switch c.Type {
		case polyaxon.Running, polyaxon.Processing:
			s.made = true
			s.ran = first(s.ran, c.At())
			s.job = first(s.job, s.ran)
		case polyaxon.Starting:
			s.made = true
			s.job = first(s.job, c.At())
		}
	}
	if s.started.IsZero() {
		s.started = s.job
	}
	if !r.Status.Terminal() {
		s.end = now
	}
	return s
}

// first gives the first time that is one.
func first(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// queued gives the time from the beginning to a moment by the operator's clock, which
// is only compared with its own.
func (s *story) queued(until time.Time) *time.Duration {
	switch {
	case s.begin.IsZero():
		return nil
	case s.job.IsZero() || s.started.IsZero():
		return known(until.Sub(s.begin))
	}
	return known(max(0, s.started.Sub(s.begin)) + max(0, until.Sub(s.job)))
}

// byConditions takes the times from conditions alone.
func (s *story) byConditions() Times {
	switch {
	case !s.ran.IsZero():
		t := Times{Queued: s.queued(s.ran)}
		if !s.end.IsZero() {
			t.Running = known(s.end.Sub(s.started) - max(0, s.ran.Sub(s.job)))
		}
		return t
	case !s.made && s.status != polyaxon.Succeeded:
		return s.neverRan()
	}
	return Times{}
}

// neverRan are the times of a run that no node has had.
func (s *story) neverRan() Times {
	t := Times{Pulling: known(0), Running: known(0)}
	if !s.begin.IsZero() && !s.end.IsZero() {
		t.Queued = known(s.end.Sub(s.begin))
	}
	return t
}

// byPods takes the times from pods, and tells whether they say anything.
func (s *story) byPods(pods []corev1.Pod) (Times, bool) {
	var held, pulled []span
	for i := range pods {
		had := s.node(&pods[i])
		if had.from.IsZero() {
			continue
		}
		held = append(held, had)
		pulled = append(pulled, span{had.from, earliest(had.to, began(&pods[i]))})
	}
	switch {
	case len(held) > 0:
		pulling := total(pulled)
		return Times{Queued: s.queued(held[0].from), Pulling: known(pulling), Running: known(total(held) - pulling)}, true
	case len(pods) > 0 && s.ran.IsZero():
		return s.neverRan(), true
	}
	return Times{}, false
}

// node gives from when to when a pod had a node; the zero span when it had none.
func (s *story) node(pod *corev1.Pod) span {
	var had span
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue {
			had.from = c.LastTransitionTime.Time
		}
	}
	if had.from.IsZero() && pod.Status.StartTime != nil {
		had.from = pod.Status.StartTime.Time // the kubelet took it up
	}
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if end := status.State.Terminated; end != nil && end.FinishedAt.After(had.to) {
			had.to = end.FinishedAt.Time
		}
	}
	if !ended || had.to.IsZero() { // as it was last seen; it had its node until the run ended
		had.to = latest(had.to, s.end)
	}
	had.to = latest(had.from, had.to)
	return had
}

// began is when the program of a pod began, the zero time when it did not.
func began(pod *corev1.Pod) time.Time {
	for _, status := range pod.Status.ContainerStatuses {
		if !main(status.Name) {
			continue
		}
		for _, state := range []corev1.ContainerState{status.LastTerminationState, status.State} {
			switch {
			case state.Terminated != nil && !state.Terminated.StartedAt.IsZero():
				return state.Terminated.StartedAt.Time
			case state.Running != nil:
				return state.Running.StartedAt.Time
			}
		}
	}
	return time.Time{}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earliest gives the earlier time of a and b, of which b may be no time.
func earliest(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// span is a time that has a beginning and an end.
type span struct{ from, to time.Time }

// total gives how much time spans cover. Replicas run beside each other, and retries
// one after the other.
func total(spans []span) time.Duration {
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var sum time.Duration
	var until time.Time
	for _, s := range spans {
		if s.from.Before(until) {
			s.from = until
		}
		if s.to.After(s.from) {
			sum, until = sum+s.to.Sub(s.from), s.to
		}
	}
	return sum
}
