package polyaxon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestPodStatus checks what the pods of a run say in each of its states.
func TestPodStatus(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	template := &podTemplate{
		metadata: metav1.ObjectMeta{Labels: map[string]string{"team": "ml"}},
		spec:     corev1.PodSpec{InitContainers: []corev1.Container{{Name: "init-0"}}, Containers: []corev1.Container{{Name: mainContainer, Image: "r/i@sha256:abc"}, {Name: "sidecar-0"}}},
	}
	began := func(name string) containerState { return containerState{Name: name, Started: at} }
	ended := func(name string, code int, oom bool) containerState {
		return containerState{Name: name, Started: at, Ended: at.Add(time.Minute), Code: code, OOM: oom}
	}
	told := func(status, reason string) condition {
		return condition{Type: status, Reason: reason, Message: "why", LastUpdateTime: at, LastTransitionTime: at}
	}
	for name, c := range map[string]struct {
		status     string
		conditions []condition
		containers []containerState
		want       string // the phase, the states of the containers, and the type of the last event
	}{
		"new":               {scheduled, []condition{told(scheduled, "x")}, nil, "Pending init-0:ContainerCreating polyaxon-main:PodInitializing sidecar-0:PodInitializing Normal Scheduled"},
		"pulls":             {starting, []condition{told(starting, "Pulling")}, nil, "Pending init-0:ContainerCreating polyaxon-main:PodInitializing sidecar-0:PodInitializing Normal Pulling"},
		"no image":          {warning, []condition{told(warning, "ErrImagePull")}, nil, "Pending init-0:ErrImagePull polyaxon-main:PodInitializing sidecar-0:PodInitializing Warning ErrImagePull"},
		"unschedulable":     {unschedulable, []condition{told(unschedulable, "x")}, nil, "Pending Warning FailedScheduling"},
		"initializes":       {starting, nil, []containerState{began("init-0")}, "Pending init-0:running polyaxon-main:PodInitializing sidecar-0:PodInitializing"},
		"runs":              {running, []condition{told(running, "x")}, []containerState{ended("init-0", 0, false), began("sidecar-0"), began(mainContainer)}, "Running init-0:Completed=0 polyaxon-main:running sidecar-0:running Normal Started"},
		"succeeded":         {succeeded, []condition{told(succeeded, "x")}, []containerState{ended("init-0", 0, false), ended("sidecar-0", 143, false), ended(mainContainer, 0, false)}, "Succeeded init-0:Completed=0 polyaxon-main:Completed=0 sidecar-0:Error=143"},
		"failed":            {failed, []condition{told(failed, "Error")}, []containerState{ended("init-0", 0, false), ended(mainContainer, 3, false)}, "Failed init-0:Completed=0 polyaxon-main:Error=3 sidecar-0:ContainerStatusUnknown=137 Warning Error"},
		"out of memory":     {failed, []condition{told(failed, "OOMKilled")}, []containerState{ended("init-0", 0, false), ended(mainContainer, 137, true)}, "Failed init-0:Completed=0 polyaxon-main:OOMKilled=137 sidecar-0:ContainerStatusUnknown=137 Warning OOMKilled"},
		"init failed":       {failed, []condition{told(failed, "Error")}, []containerState{ended("init-0", 1, false)}, "Failed init-0:Error=1 polyaxon-main:ContainerStatusUnknown=137 sidecar-0:ContainerStatusUnknown=137 Warning Error"},
		"the sandbox ended": {failed, []condition{told(failed, "SandboxRestarted")}, []containerState{ended("init-0", 0, false), began(mainContainer)}, "Failed init-0:Completed=0 polyaxon-main:Error=137 sidecar-0:ContainerStatusUnknown=137 Warning SandboxRestarted"},
		"stopping":          {stopping, []condition{told(stopping, "x")}, []containerState{ended("init-0", 0, false), began(mainContainer), began("sidecar-0")}, "Running init-0:Completed=0 polyaxon-main:running sidecar-0:running Normal Killing"},
	} {
		r := &record{UUID: "u", Name: "train", Kind: "job", Status: c.status, Conditions: c.conditions, FinishedAt: at, Pods: []podState{{Name: podName("u", 0), Created: at, Containers: c.containers}}}
		p := template.pod(r, 0, "ns")
		have := []string{string(p.Status.Phase)}
		for _, s := range append(append([]corev1.ContainerStatus{}, p.Status.InitContainerStatuses...), p.Status.ContainerStatuses...) {
			switch {
			case s.State.Terminated != nil:
				have = append(have, fmt.Sprintf("%s:%s=%d", s.Name, s.State.Terminated.Reason, s.State.Terminated.ExitCode))
			case s.State.Waiting != nil:
				have = append(have, s.Name+":"+s.State.Waiting.Reason)
			default:
				have = append(have, s.Name+":running")
			}
		}
		for _, e := range eventsOf(r, 0, p) {
			have = append(have, e.Type, e.Reason)
		}
		if text := strings.Join(have, " "); text != c.want {
			t.Errorf("%s: %s\nwant %s", name, text, c.want)
		}
		if p.Labels["team"] != "ml" || p.Labels[instanceLabel] != "u" || p.Namespace != "ns" || p.UID == "" {
			t.Errorf("%s: the metadata is %+v", name, p.ObjectMeta)
		}
	}
}

// TestAttempts checks that each attempt at a run has its own pod and events.
func TestAttempts(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	template := &podTemplate{spec: corev1.PodSpec{Containers: []corev1.Container{{Name: mainContainer}}}}
	r := &record{
		UUID: "u", Status: succeeded,
		Conditions: []condition{
			{Type: scheduled, LastUpdateTime: at.Add(-time.Second)}, {Type: running, LastUpdateTime: at.Add(time.Second)},
			{Type: retrying, Reason: "Retrying", LastUpdateTime: at.Add(2 * time.Second)}, {Type: running, LastUpdateTime: at.Add(4 * time.Second)}, {Type: succeeded, LastUpdateTime: at.Add(5 * time.Second)},
		},
		Pods: []podState{
			{Name: podName("u", 0), Created: at, Containers: []containerState{{Name: mainContainer, Started: at, Ended: at, Code: 1}}},
			{Name: podName("u", 1), Created: at.Add(3 * time.Second), Containers: []containerState{{Name: mainContainer, Started: at, Ended: at}}},
		},
	}
	for n, want := range []string{"Failed Scheduled Started Retrying", "Succeeded Started"} {
		p := template.pod(r, n, "ns")
		have := []string{string(p.Status.Phase)}
		for _, e := range eventsOf(r, n, p) {
			have = append(have, e.Reason)
			if e.InvolvedObject.Name != p.Name || e.InvolvedObject.UID != p.UID {
				t.Errorf("an event is about %+v", e.InvolvedObject)
			}
		}
		if text := strings.Join(have, " "); text != want {
			t.Errorf("attempt %d: %s, want %s", n, text, want)
		}
	}
}
