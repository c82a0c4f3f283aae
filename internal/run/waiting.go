package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/advice"
	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// eventsInterval is the minimum time between two requests for events. pendingInterval is
	// that between two requests for what a run waits for before it is scheduled.
	eventsInterval, pendingInterval = 2 * time.Second, 10 * time.Second
	// queuedLimit is how long a run may be queued, and stoppingLimit how long it may be
	// stopping, before that is reported as the reason.
	queuedLimit, stoppingLimit = time.Minute, time.Minute
	// giveUpAfter is how long a run may be stopping, in addition to its pods' grace period.
	giveUpAfter = 10 * time.Minute
	// reasonBusy is the reason of the sandbox's condition whose message names the runs that
	// this one waits for.
	reasonBusy = "MachineBusy"
	// reasonPulling is the reason of the sandbox's condition whose message is the progress of
	// pulling the image. progressEvery is how often that is reported as the reason for waiting.
	reasonPulling = "Pulling"
	progressEvery = 15 * time.Second
)

// waiting is what is known about why a run does not run.
type waiting struct {
	// reported is the reason that was reported last, and cause its cause.
	reported, cause string
	// eventsAt is when events were last requested, and events is the response.
	eventsAt time.Time
	events   []corev1.Event
	// pendingAt is when the server was last asked what the run waits for, and pending is the
	// response.
	pendingAt time.Time
	pending   string
	// status is the last status, and since is when it was first seen.
	status polyaxon.Status
	since  time.Time
	// progressAt is when the progress of the image was last reported as the reason.
	progressAt time.Time
}

// waits reports why the run does not run yet or does not end, if the reason is known and
// new.
func (f *follower) waits(ctx context.Context, status polyaxon.Status, conditions []polyaxon.Condition) {
	w, now := &f.waiting, f.options.Clock.Now()
	if status != w.status {
		w.status, w.since, w.pendingAt = status, now, time.Time{}
	}
	if status == polyaxon.Running || status == polyaxon.Processing {
		w.reported, w.cause = "", ""
		return
	}
	if n := len(conditions); n > 0 && conditions[n-1].Reason == reasonPulling {
		w.pulls(advice.Brief(conditions[n-1].Message), now, f.sink)
		return
	}
	if why := f.why(ctx, now, conditions); why != "" && why != w.reported {
		if sameCause(w.cause, why) {
			return
		}
		w.reported, w.cause = why, cause(why)
		f.sink.Waits(why)
	}
}

// why returns why the run does not go on, or "" if that is not known.
func (f *follower) why(ctx context.Context, now time.Time, conditions []polyaxon.Condition) string {
	w := &f.waiting
	switch past := now.Sub(w.since); {
	case w.status == polyaxon.Stopping && past >= stoppingLimit:
		return fmt.Sprintf("it has been stopping for %s and has not ended; %s; slipway waits %s in all", stoppingLimit, f.stoppingAdvice(), f.maxStopping())
	case w.status == polyaxon.Stopping:
		return ""
	case mayBePending(w.status):
		if f.askServer(ctx, now); w.pending != "" {
			return pendingFor(w.pending, f.target.UUID)
		}
	}
	if f.reachable && (w.eventsAt.IsZero() || now.Sub(w.eventsAt) >= eventsInterval) {
		w.eventsAt = now
		if events, err := f.options.Cluster.RunEvents(ctx, f.target.UUID, f.pods); err == nil {
			w.events = events
		}
	}
	if f.reachable {
		if why := PodWaits(f.pods, w.events); why != "" {
			return why
		}
	}
	if len(conditions) > 0 {
		if why := conditionWaits(conditions[len(conditions)-1]); why != "" {
			return why
		}
	}
	if awaitsScheduler(w.status) && now.Sub(w.since) >= queuedLimit {
		return fmt.Sprintf("it has been %s for %s and was not picked up; check that Polyaxon's agent is running (kubectl get pods), and whether its queue is full (slipway runs)",
			w.status, queuedLimit)
	}
	return ""
}

// conditionWaits returns why a run does not run according to a condition, or "".
func conditionWaits(c polyaxon.Condition) string {
	if c.Reason == reasonBusy {
		return advice.Brief(c.Message)
	}
	why := explain(c.Reason, c.Message)
	if why == "" && (c.Type == polyaxon.Warning || c.Type == polyaxon.Unschedulable) {
		why = advice.Brief(cmp.Or(c.Message, c.Reason, string(c.Type)))
	}
	return why
}

// askServer asks the server what a run waits for that is not scheduled at once.
func (f *follower) askServer(ctx context.Context, now time.Time) {
	w := &f.waiting
	if now.Sub(w.since) < firstPoll || !w.pendingAt.IsZero() && now.Sub(w.pendingAt) < pendingInterval {
		return
	}
	w.pendingAt = now
	if r, err := f.client.Run(ctx, f.target.Project, f.target.UUID); err == nil {
		w.pending = r.Pending
	}
}

// mayBePending reports whether a run with this status may be waiting for approval or
// for an upload.
func mayBePending(s polyaxon.Status) bool { return s == polyaxon.Created || s == polyaxon.Compiled }

// pendingFor describes what a run waits for, given Polyaxon's word for it, and what to
// do.
func pendingFor(pending, uuid string) string {
	switch pending {
	case polyaxon.PendingApproval:
		return "it waits for approval: slipway approve " + uuid
	case polyaxon.PendingUpload:
		return "it waits for files to be uploaded to it; to continue without them, run: slipway approve " + uuid
	}
	return "it waits for its " + logline.Sanitize(pending) + "; to continue without it, run: slipway approve " + uuid
}

// stoppingAdvice says what to do about a run that does not stop.
func (f *follower) stoppingAdvice() string {
	text := "one of its pods may still end by itself, or Polyaxon's agent and operator are down, or its resource was deleted before they saw it (kubectl get pods -l " +
		"app.kubernetes.io/instance=" + f.target.UUID + ")"
	switch {
	case f.reachable && len(f.pods) == 0:
		text = "it has no pods: its resource was deleted before Polyaxon's operator saw it, or Polyaxon's agent and operator are down"
	case f.reachable:
		text = fmt.Sprintf("its pod %s still exists (kubectl describe pod %s)", f.pods[0].Name, f.pods[0].Name)
	}
	return text + "; if the run does nothing any more, delete it in Polyaxon"
}

// maxStopping returns how long the run may be stopping, including the grace period of its
// pods.
func (f *follower) maxStopping() time.Duration {
	longest := time.Duration(0)
	for i := range f.pods {
		if grace := f.pods[i].Spec.TerminationGracePeriodSeconds; grace != nil {
			longest = max(longest, time.Duration(*grace)*time.Second)
		}
	}
	return giveUpAfter + longest
}

// stuck returns an error if the run has been stopping for longer than endless.
func (f *follower) stuck() error {
	w := &f.waiting
	if past := f.options.Clock.Now().Sub(w.since); w.status != polyaxon.Stopping || past < f.maxStopping() {
		return nil
	}
	return fmt.Errorf("it has been stopping for %s and has not ended; %s", f.maxStopping(), f.stoppingAdvice())
}

// pulls reports the progress of pulling the image.
func (w *waiting) pulls(how string, now time.Time, sink Sink) {
	switch {
	case how == w.reported:
	case w.progressAt.IsZero() || now.Sub(w.progressAt) >= progressEvery:
		w.reported, w.progressAt = how, now
		sink.Waits(how)
	default:
		w.reported = how
		sink.Progress(how)
	}
}

// awaitsScheduler reports whether Polyaxon's scheduler or agent has to act next.
func awaitsScheduler(s polyaxon.Status) bool {
	return s == polyaxon.Created || s == polyaxon.Compiled || s == polyaxon.Queued
}

// PodWaits returns why pods do not run, according to their statuses and events, in one
// line. It returns "" if there is no known reason.
func PodWaits(pods []corev1.Pod, events []corev1.Event) string {
	for i := range pods {
		pod := &pods[i]
		if pod.Status.Phase != corev1.PodPending && pod.Status.Phase != corev1.PodRunning {
			continue
		}
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if state := status.State.Waiting; state != nil {
				if why := explain(state.Reason, waitingMessage(state, pod.Name, events)); why != "" {
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
	// Without a pod, the events of the job say why none was created.
	if event := lastEvent(events, "", "FailedCreate"); event != nil {
		return explain(event.Reason, event.Message)
	}
	return ""
}

// waitingMessage returns the message about a waiting container. During a back-off, the
// status does not say why the pull failed, but an earlier event does. If an image pull
// secret is missing, the registry only reports missing credentials, so the event about the
// secret comes first.
func waitingMessage(state *corev1.ContainerStateWaiting, pod string, events []corev1.Event) string {
	if event := lastEvent(events, pod, "FailedToRetrieveImagePullSecret"); event != nil && strings.Contains(state.Reason, "Image") {
		return event.Message
	}
	if state.Reason != "ImagePullBackOff" || namesPullError(state.Message) {
		return state.Message
	}
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].InvolvedObject.Name == pod && reportsFailedPull(events[i].Message) {
			return events[i].Message
		}
	}
	return state.Message
}

// namesPullError reports whether the message of a back-off says why the pull failed. Newer
// kubelets write the reason there, after the name of the error. The status has no field
// for it.
func namesPullError(message string) bool { return strings.Contains(message, "ErrImagePull") }

// reportsFailedPull reports whether an event's message is about a failed pull. The kubelet
// gives these events the reason Failed, as it does for containers that cannot be started,
// so only the message distinguishes them.
func reportsFailedPull(message string) bool {
	return strings.HasPrefix(message, "Failed to pull image")
}

// volumeWaits returns why the volumes of a pod that has a node are not available, or "".
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

// unscheduled returns why a pod has no node, and whether the cluster is adding one for
// it.
func unscheduled(pod, message string, events []corev1.Event) string {
	why := explain("Unschedulable", message)
	scaling := lastEvent(events, pod, "TriggeredScaleUp", "NotTriggerScaleUp")
	switch {
	case scaling == nil:
	case scaling.Reason == "TriggeredScaleUp":
		return "the cluster is adding a node for it, which takes some minutes: " + advice.Brief(message)
	default:
		why += " (the cluster autoscaler does not add a node: " + advice.Brief(scaling.Message) + ")"
	}
	return why
}

// lastEvent returns the last event with one of the reasons about an object, or about any
// object if that is empty. It returns nil if there is none.
func lastEvent(events []corev1.Event, object string, reasons ...string) *corev1.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if (object == "" || events[i].InvolvedObject.Name == object) && slices.Contains(reasons, events[i].Reason) {
			return &events[i]
		}
	}
	return nil
}
