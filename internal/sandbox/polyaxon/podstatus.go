package polyaxon

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pod returns the pod of an attempt at a run, as a cluster would show it.
func (t *podTemplate) pod(r *record, at int, namespace string) *corev1.Pod {
	state := &r.Pods[at]
	p := &corev1.Pod{ObjectMeta: t.meta(r, state.Name, namespace), Spec: *t.spec.DeepCopy()}
	p.CreationTimestamp = metav1.NewTime(state.Created)
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	p.Annotations["kubectl.kubernetes.io/default-container"] = mainContainer
	o := &observer{run: r, state: state, last: at == len(r.Pods)-1}
	if o.last && r.Status == unschedulable {
		last := r.Conditions[len(r.Conditions)-1]
		p.Status.Phase = corev1.PodPending
		p.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: last.Message, LastTransitionTime: metav1.NewTime(last.LastUpdateTime),
		}}
		return p
	}
	p.Spec.NodeName = nodeName
	p.Status.HostIP = "127.0.0.1"
	p.Status.HostIPs = []corev1.HostIP{{IP: p.Status.HostIP}}
	p.Status.StartTime = &p.CreationTimestamp
	initialized := true
	for i := range p.Spec.InitContainers {
		status := o.container(&p.Spec.InitContainers[i], initialized)
		initialized = initialized && status.State.Terminated != nil && status.State.Terminated.ExitCode == 0
		p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, status)
	}
	ready := true
	for i := range p.Spec.Containers {
		status := o.container(&p.Spec.Containers[i], initialized)
		ready = ready && status.Ready
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, status)
	}
	p.Status.Phase = o.phase(p.Status.ContainerStatuses[0].State)
	if o.over() && p.Status.Phase == corev1.PodFailed {
		switch last := r.Conditions[len(r.Conditions)-1]; last.Reason {
		case "DeadlineExceeded":
			p.Status.Reason, p.Status.Message = last.Reason, last.Message
		}
	}
	for _, c := range []struct {
		name corev1.PodConditionType
		is   bool
	}{{corev1.PodScheduled, true}, {corev1.PodInitialized, initialized}, {corev1.ContainersReady, ready}, {corev1.PodReady, ready}} {
		condition := corev1.PodCondition{Type: c.name, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(o.changed())}
		if !c.is {
			condition.Status = corev1.ConditionFalse
			if p.Status.Phase == corev1.PodSucceeded {
				condition.Reason = "PodCompleted"
			}
		}
		p.Status.Conditions = append(p.Status.Conditions, condition)
	}
	return p
}

// observer says what became of the containers of a pod.
type observer struct {
	run   *record
	state *podState
	// last reports whether it is the run's last pod.
	last bool
}

// over reports whether the pod has ended, whatever is known of its containers.
func (o *observer) over() bool { return !o.last || terminal(o.run.Status) }

// changed returns when the pod last changed.
func (o *observer) changed() time.Time {
	at := o.state.Created
	for _, c := range o.state.Containers {
		for _, t := range []time.Time{c.Started, c.Ended} {
			if t.After(at) {
				at = t
			}
		}
	}
	return at
}

// phase returns the phase of the pod from the state of its main container.
func (o *observer) phase(main corev1.ContainerState) corev1.PodPhase {
	switch {
	case main.Terminated != nil && main.Terminated.ExitCode == 0:
		return corev1.PodSucceeded
	case main.Terminated != nil, o.over():
		return corev1.PodFailed
	case main.Running != nil:
		return corev1.PodRunning
	}
	return corev1.PodPending
}

// container returns the status of a container. initialized reports whether the init
// containers before it have succeeded.
func (o *observer) container(c *corev1.Container, initialized bool) corev1.ContainerStatus {
	status := corev1.ContainerStatus{Name: c.Name, Image: c.Image}
	if _, digest, ok := strings.Cut(c.Image, "@"); ok {
		status.ImageID = "sandbox://" + digest
	}
	seen := o.state.of(c.Name)
	switch {
	case seen != nil && (!seen.Ended.IsZero() || o.over()):
		status.ContainerID = o.id(c)
		status.State.Terminated = o.terminated(seen)
		status.State.Terminated.ContainerID = status.ContainerID
	case seen != nil:
		started := true
		status.ContainerID = o.id(c)
		status.Ready, status.Started = true, &started
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(seen.Started)}
	case o.over():
		status.State.Terminated = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown", Message: o.message()}
	default:
		status.State.Waiting = o.waiting(initialized)
	}
	return status
}

// id returns the id of a container.
func (o *observer) id(c *corev1.Container) string {
	return "sandbox://" + strings.ReplaceAll(string(identity(o.state.Name+"/"+c.Name)), "-", "")
}

// message returns the message of the run's last status.
func (o *observer) message() string {
	if n := len(o.run.Conditions); n > 0 {
		return o.run.Conditions[n-1].Message
	}
	return ""
}

// terminated returns how a container ended. One whose end was not seen was killed with the
// sandbox.
func (o *observer) terminated(seen *containerState) *corev1.ContainerStateTerminated {
	ended := &corev1.ContainerStateTerminated{ExitCode: int32(seen.Code), Reason: "Error", StartedAt: metav1.NewTime(seen.Started), FinishedAt: metav1.NewTime(seen.Ended)} //nolint:gosec // an exit code
	switch {
	case seen.Ended.IsZero():
		ended.ExitCode, ended.FinishedAt = 137, metav1.NewTime(o.run.FinishedAt)
	case seen.OOM:
		ended.Reason = "OOMKilled"
	case seen.Code == 0:
		ended.Reason = "Completed"
	}
	return ended
}

// waiting returns why a container does not run yet: the run's status says what its pod
// waits for.
func (o *observer) waiting(initialized bool) *corev1.ContainerStateWaiting {
	if !initialized {
		return &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
	}
	if n := len(o.run.Conditions); n > 0 && o.run.Conditions[n-1].Type == warning {
		return &corev1.ContainerStateWaiting{Reason: o.run.Conditions[n-1].Reason, Message: o.run.Conditions[n-1].Message}
	}
	return &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
}

// eventsOf returns the events about a pod, which are the statuses that the run had during
// its attempt.
func eventsOf(r *record, at int, pod *corev1.Pod) []*corev1.Event {
	var all []*corev1.Event
	for i, c := range r.Conditions {
		if attemptAt(r, c.LastUpdateTime) != at {
			continue
		}
		kind, reason, component := corev1.EventTypeNormal, c.Reason, "kubelet"
		message := c.Message
		switch c.Type {
		case scheduled:
			reason, component, message = "Scheduled", corev1.DefaultSchedulerName, fmt.Sprintf("Successfully assigned %s/%s to %s", pod.Namespace, pod.Name, nodeName)
		case running:
			reason, message = "Started", "Started container "+mainContainer
		case stopping:
			reason, message = "Killing", "Stopping container "+mainContainer
		case unschedulable:
			kind, reason, component = corev1.EventTypeWarning, "FailedScheduling", corev1.DefaultSchedulerName
		case warning, failed, retrying:
			kind = corev1.EventTypeWarning
		case starting, queued:
			if c.Type == queued && c.Reason != reasonBusy {
				continue
			}
		default:
			continue
		}
		when := metav1.NewTime(c.LastUpdateTime)
		name := fmt.Sprintf("%s.%d", pod.Name, i)
		all = append(all, &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Name: name, Namespace: pod.Namespace, UID: identity(name), CreationTimestamp: when},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
			Reason:         cmp.Or(reason, c.Type), Message: message, Type: kind, Count: 1, FirstTimestamp: metav1.NewTime(c.LastTransitionTime), LastTimestamp: when,
			Source: corev1.EventSource{Component: component, Host: nodeName}, ReportingController: component, ReportingInstance: nodeName,
		})
	}
	return all
}

// attemptAt returns the index of the pod that a run had at a time: the first one before it
// had any.
func attemptAt(r *record, when time.Time) int {
	at := 0
	for i := range r.Pods {
		if !r.Pods[i].Created.After(when) {
			at = i
		}
	}
	return at
}
