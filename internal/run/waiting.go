package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// eventsEvery is the shortest time between two questions for events.
	eventsEvery = 2 * time.Second
	// untaken is how long a run may be queued before that is told as a reason.
	untaken = time.Minute
	// pulling is the reason of the sandbox's condition whose message says how far it
	// is with the image, and farEvery how often that is told as a reason to wait.
	pulling  = "Pulling"
	farEvery = 15 * time.Second
)

// waiting is what is known of why a run does not run.
type waiting struct {
	// told is what was told last.
	told string
	// asked is when the cluster was asked for events, events what it answered.
	asked  time.Time
	events []corev1.Event
	// status is the last one, since when it was first seen.
	status polyaxon.Status
	since  time.Time
	// far is when it was told last how far the image is.
	far time.Time
}

// waits tells why the run does not run yet, when that is known and new.
func (f *follower) waits(ctx context.Context, status polyaxon.Status, conditions []polyaxon.Condition) {
	w, now := &f.waiting, f.options.Clock.Now()
	if status != w.status {
		w.status, w.since = status, now
	}
	if status == polyaxon.Running || status == polyaxon.Stopping || status == polyaxon.Processing {
		w.told = ""
		return
	}
	if f.reachable && (w.asked.IsZero() || now.Sub(w.asked) >= eventsEvery) {
		w.asked = now
		if events, err := f.options.Cluster.RunEvents(ctx, f.target.UUID, f.pods); err == nil {
			w.events = events
		}
	}
	var why string
	if f.reachable {
		why = podWaits(f.pods, w.events)
	}
	if why == "" && len(conditions) > 0 {
		last := conditions[len(conditions)-1]
		if last.Reason == pulling {
			w.pulls(brief(last.Message), now, f.sink)
			return
		}
		why = explain(last.Reason, last.Message)
	}
	if why == "" && unclaimed(status) && now.Sub(w.since) >= untaken {
		why = fmt.Sprintf("it has been %s for %s and nobody takes it; see that Polyaxon's agent runs (kubectl get pods), and whether its queue is full (slipway runs)",
			status, untaken)
	}
	if why != "" && why != w.told {
		w.told = why
		f.sink.Waits(why)
	}
}

// pulls tells how far the image is.
func (w *waiting) pulls(how string, now time.Time, sink Sink) {
	switch {
	case how == w.told:
	case w.far.IsZero() || now.Sub(w.far) >= farEvery:
		w.told, w.far = how, now
		sink.Waits(how)
	default:
		w.told = how
		sink.Progress(how)
	}
}

// unclaimed tells whether Polyaxon's scheduler or agent has to act next.
func unclaimed(s polyaxon.Status) bool {
	return s == polyaxon.Created || s == polyaxon.Compiled || s == polyaxon.Queued
}

// podWaits gives why pods do not run, from their statuses and the events about
// them, in one line; "" when no reason is seen.
func podWaits(pods []corev1.Pod, events []corev1.Event) string {
	for i := range pods {
		pod := &pods[i]
		if pod.Status.Phase != corev1.PodPending && pod.Status.Phase != corev1.PodRunning {
			continue
		}
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if state := status.State.Waiting; state != nil {
				if why := explain(state.Reason, words(state, pod.Name, events)); why != "" {
					return why
				}
			}
		}
		if why := volumeWaits(pod, events); why != "" {
			return why
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
				return unscheduled(pod.Name, condition.Message, events)
			}
		}
	}
	if len(pods) > 0 {
		return ""
	}
	// No pod was made: the job that makes it says why.
	if event := lastEvent(events, "", "FailedCreate"); event != nil {
		return explain(event.Reason, event.Message)
	}
	return ""
}

// words gives what is said about a container that waits. A kubelet that backs off
// says no more why it failed: the event before does; and a registry that refuses who
// has no credentials does not know that a secret with them was asked for.
func words(state *corev1.ContainerStateWaiting, pod string, events []corev1.Event) string {
	if event := lastEvent(events, pod, "FailedToRetrieveImagePullSecret"); event != nil && strings.Contains(state.Reason, "Image") {
		return event.Message
	}
	if state.Reason != "ImagePullBackOff" || strings.Contains(state.Message, "ErrImagePull") {
		return state.Message
	}
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].InvolvedObject.Name == pod && strings.HasPrefix(events[i].Message, "Failed to pull image") {
			return events[i].Message
		}
	}
	return state.Message
}

// volumeWaits gives why the volumes of a pod that has a node are not there.
func volumeWaits(pod *corev1.Pod, events []corev1.Event) string {
	if pod.Spec.NodeName == "" || pod.Status.Phase != corev1.PodPending {
		return ""
	}
	event := lastEvent(events, pod.Name, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "Started", "Created")
	if event == nil || event.Type != corev1.EventTypeWarning {
		return ""
	}
	return explain(event.Reason, event.Message)
}

// unscheduled gives why a pod has no node, and whether the cluster grows for it.
func unscheduled(pod, message string, events []corev1.Event) string {
	why := explain("Unschedulable", message)
	scaling := lastEvent(events, pod, "TriggeredScaleUp", "NotTriggerScaleUp")
	switch {
	case scaling == nil:
	case scaling.Reason == "TriggeredScaleUp":
		return "the cluster is adding a node for it, which takes some minutes: " + brief(message)
	default:
		why += " (the cluster's autoscaler adds no node: " + brief(scaling.Message) + ")"
	}
	return why
}

// lastEvent gives the last event with one of these reasons about an object, about
// any when it is "".
func lastEvent(events []corev1.Event, object string, reasons ...string) *corev1.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if (object == "" || events[i].InvolvedObject.Name == object) && slices.Contains(reasons, events[i].Reason) {
			return &events[i]
		}
	}
	return nil
}
