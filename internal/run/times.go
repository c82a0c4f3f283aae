package run

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Times are how a run spent its time. A time that is not known is nil.
//
// Polyaxon's own times are not sufficient. Its operator posts starting when it has
// created the job, which may be long before a pod has a node, and the server counts the
// run's duration from then. Only a pod says when it got its node. Without pods, it is
// only certain when the run was running.
type Times struct {
	// Queued is the time until the run's pod had a node. If Pulling is nil, it is the time
	// until the run was running.
	Queued *time.Duration
	// Pulling is the time from then until the run was running, in which its images are
	// pulled and its init containers run.
	Pulling *time.Duration
	// Running is the time from then to the run's end, or until now.
	Running *time.Duration
}

// Node returns how long the run had a node, as far as that is known, or nil.
func (t Times) Node() *time.Duration {
	if t.Running == nil || t.Pulling == nil {
		return t.Running
	}
	return known(*t.Pulling + *t.Running)
}

// known returns a time that is known. It is never negative, although clocks may be set
// back and those of two machines may differ.
func known(d time.Duration) *time.Duration {
	d = max(0, d)
	return &d
}

// TimesOf returns the times of a run from its conditions and, if it has any, its pods.
// For an active run, now is the current time by the server's clock.
func TimesOf(r *polyaxon.Run, conditions []polyaxon.Condition, pods []corev1.Pod, now time.Time) Times {
	s := timelineOf(r, conditions, now)
	if t, ok := s.byPods(pods); ok {
		return t
	}
	return s.byConditions()
}

// timeline has the times of a run's events as Polyaxon reports them: begin, started and end
// by the server's clock, job and ran by the operator's.
type timeline struct {
	status              polyaxon.Status
	begin, started, end time.Time
	// job is when the operator had created the job, or the time of its first condition if
	// that is missing. The server takes it for the start of the run. ran is when the run was
	// running.
	job, ran time.Time
	// made reports whether there was a job.
	made bool
}

// timelineOf returns the timeline of a run, which begins with its last resumption if it was
// resumed.
func timelineOf(r *polyaxon.Run, conditions []polyaxon.Condition, now time.Time) timeline {
	s := timeline{status: r.Status, begin: r.CreatedAt, started: r.StartedAt, end: r.FinishedAt}
	resumed := false
	for i, c := range slices.Backward(conditions) {
		if c.Type == polyaxon.Resuming { // ignore what was before the run was resumed
			s.begin, s.started, conditions = c.At(), time.Time{}, conditions[i:]
			resumed = true
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
			if !resumed { // starting may be told again, such as while an image is pulled
				s.job = first(s.job, c.LastTransitionTime)
			}
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

// first returns the first time that is not zero.
func first(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// queued returns the time from the beginning to until, which is by the operator's clock.
// It compares until only with times by the same clock.
func (s *timeline) queued(until time.Time) *time.Duration {
	switch {
	case s.begin.IsZero():
		return nil
	case s.job.IsZero() || s.started.IsZero():
		return known(until.Sub(s.begin))
	}
	return known(max(0, s.started.Sub(s.begin)) + max(0, until.Sub(s.job)))
}

// byConditions returns the times according to the conditions alone.
func (s *timeline) byConditions() Times {
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

// neverRan returns the times of a run that never had a node.
func (s *timeline) neverRan() Times {
	t := Times{Pulling: known(0), Running: known(0)}
	if !s.begin.IsZero() && !s.end.IsZero() {
		t.Queued = known(s.end.Sub(s.begin))
	}
	return t
}

// byPods returns the times according to the pods. It reports false if they do not say.
func (s *timeline) byPods(pods []corev1.Pod) (Times, bool) {
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

// node returns the span in which a pod had a node, or the zero span if it never had one.
func (s *timeline) node(pod *corev1.Pod) span {
	var had span
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue {
			had.from = c.LastTransitionTime.Time
		}
	}
	if had.from.IsZero() && pod.Status.StartTime != nil {
		had.from = pod.Status.StartTime.Time // when the kubelet accepted it
	}
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if end := status.State.Terminated; end != nil && end.FinishedAt.After(had.to) {
			had.to = end.FinishedAt.Time
		}
	}
	if !ended || had.to.IsZero() { // last seen running: it had its node to the end
		had.to = latest(had.to, s.end)
	}
	had.to = latest(had.from, had.to)
	return had
}

// began returns when the program of a pod began, or the zero time if it did not.
func began(pod *corev1.Pod) time.Time {
	for _, status := range pod.Status.ContainerStatuses {
		if !isMain(status.Name) {
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

// latest returns the later time of a and b.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earliest returns the earlier time of a and b. b may be zero, and is then ignored.
func earliest(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// span is a period from one time to another.
type span struct{ from, to time.Time }

// total returns how much time the spans cover together. They may overlap, since replicas
// run concurrently.
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
