package run_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// unknown stands for a time that is not known.
const unknown = -time.Second

// TestTimes uses conditions as Polyaxon's operator posts them: all keep the transition
// time of starting, which means that the job exists and which starts the run.
func TestTimes(t *testing.T) {
	const s = time.Second
	at := func(d time.Duration) time.Time { return start.Add(d) }
	node := func(scheduled, began, ended time.Duration) corev1.Pod {
		p := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}
		if scheduled < 0 {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(at(1 * s))}}
			return p
		}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(at(scheduled))}}
		status := corev1.ContainerStatus{Name: "polyaxon-main"}
		switch {
		case ended >= 0:
			p.Status.Phase = corev1.PodSucceeded
			status.State.Terminated = &corev1.ContainerStateTerminated{StartedAt: metav1.NewTime(at(began)), FinishedAt: metav1.NewTime(at(ended))}
		case began >= 0:
			p.Status.Phase = corev1.PodRunning
			status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at(began))}
		}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{status}
		return p
	}
	for name, test := range map[string]struct {
		status     polyaxon.Status
		conditions map[polyaxon.Status]time.Duration
		pods       []corev1.Pod
		// operator is how far the operator's clock is ahead of the server's.
		operator time.Duration
		// again is when starting was posted for the last time, if it was posted twice.
		again                           time.Duration
		queued, pulling, running, whole time.Duration
	}{
		"never had a node, by its pod": {status: polyaxon.Stopped, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Unschedulable: 2 * s},
			pods: []corev1.Pod{node(-1, -1, -1)}, queued: 60 * s},
		"never had a node, as far as is known": {status: polyaxon.Stopped, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Unschedulable: 2 * s},
			queued: unknown, pulling: unknown, running: unknown, whole: unknown},
		"never had a job": {status: polyaxon.Skipped, queued: 60 * s},
		"waited for its node, by its pod": {status: polyaxon.Succeeded, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Running: 50 * s},
			pods: []corev1.Pod{node(44*s, 49*s, 59*s)}, queued: 44 * s, pulling: 5 * s, running: 10 * s, whole: 15 * s},
		"waited for its node": {status: polyaxon.Succeeded, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Running: 50 * s},
			queued: 50 * s, pulling: unknown, running: 10 * s, whole: 10 * s},
		"did not wait": {status: polyaxon.Succeeded, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 0, polyaxon.Running: 0},
			queued: 0, pulling: unknown, running: 60 * s, whole: 60 * s},
		"is still pulling its image": {status: polyaxon.Starting, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s},
			pods: []corev1.Pod{node(10*s, -1, -1)}, queued: 10 * s, pulling: 50 * s, running: 0, whole: 50 * s},
		"goes on": {status: polyaxon.Running, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Running: 20 * s},
			pods: []corev1.Pod{node(10*s, 19*s, -1)}, queued: 10 * s, pulling: 9 * s, running: 41 * s, whole: 50 * s},
		"was put out of its node, and tried again": {status: polyaxon.Succeeded, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Running: 11 * s},
			pods: []corev1.Pod{node(10*s, 11*s, 20*s), node(40*s, 42*s, 50*s)}, queued: 10 * s, pulling: 3 * s, running: 17 * s, whole: 20 * s},
		"has two replicas": {status: polyaxon.Succeeded, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Running: 11 * s},
			pods: []corev1.Pod{node(10*s, 12*s, 50*s), node(10*s, 12*s, 40*s)}, queued: 10 * s, pulling: 2 * s, running: 38 * s, whole: 40 * s},
		"the operator's clock is fast": {status: polyaxon.Succeeded, operator: 5 * time.Hour, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Running: 50 * s},
			queued: 50 * s, pulling: unknown, running: 10 * s, whole: 10 * s},
		"starting was told again while it pulled its image": {status: polyaxon.Succeeded, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s, polyaxon.Running: 25 * s},
			again: 24 * s, queued: 25 * s, pulling: unknown, running: 35 * s, whole: 35 * s},
		"did not tell that it ran": {status: polyaxon.Succeeded, conditions: map[polyaxon.Status]time.Duration{polyaxon.Starting: 1 * s},
			queued: unknown, pulling: unknown, running: unknown, whole: unknown},
	} {
		t.Run(name, func(t *testing.T) {
			r := &polyaxon.Run{Status: test.status, CreatedAt: start}
			var conditions []polyaxon.Condition
			for _, status := range []polyaxon.Status{polyaxon.Starting, polyaxon.Unschedulable, polyaxon.Running} {
				if d, ok := test.conditions[status]; ok {
					c := polyaxon.Condition{Type: status, LastTransitionTime: at(test.operator + test.conditions[polyaxon.Starting]), LastUpdateTime: at(test.operator + d)}
					if status == polyaxon.Starting && test.again > 0 {
						c.LastUpdateTime = at(test.operator + test.again)
					}
					conditions = append(conditions, c)
					r.StartedAt = at(test.conditions[polyaxon.Starting])
				}
			}
			if test.status.Terminal() {
				r.FinishedAt = at(60 * s)
				r.Duration = r.FinishedAt.Sub(r.StartedAt).Seconds()
			}
			got := run.TimesOf(r, conditions, test.pods, at(60*s))
			for what, pair := range map[string][2]*time.Duration{
				"queued": {got.Queued, &test.queued}, "pulling": {got.Pulling, &test.pulling}, "running": {got.Running, &test.running}, "on the node": {got.Node(), &test.whole},
			} {
				value := unknown
				if pair[0] != nil {
					value = *pair[0]
				}
				if value != *pair[1] {
					t.Errorf("%s: %s, want %s (-1s is unknown)", what, value, *pair[1])
				}
			}
		})
	}
}

// A run that is running again is reported again, although Polyaxon's operator gives every
// condition the transition time of the first one.
func TestRunsAgain(t *testing.T) {
	s, c := &scriptedServer{}, &clock{now: start}
	s.reach("starting", "", "")
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if story := []string{"running", "warning", "running", "succeeded"}; n < len(story) {
			s.reach(story[n], "", "")
		}
	}
	sink, _, err := follow(t, s, c, run.FollowOptions{})
	if want := []string{"starting", "running", "warning", "running", "succeeded"}; err != nil || !slices.Equal(sink.statuses, want) {
		t.Errorf("the statuses are %q, want %q (%v)", sink.statuses, want, err)
	}
}
