package volume

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/advice"
	"github.com/slipway-ci/slipway/internal/run"
)

const (
	// startTimeout is how long a pod may take to run: a cluster may have to add a node for it.
	startTimeout = 10 * time.Minute
	// stuckTimeout is how long a container may be in a state that rarely passes by itself.
	stuckTimeout = time.Minute
	// every is the time between two looks at the pod.
	every = time.Second
)

// StartError reports that a pod does not run. Why is the reason.
type StartError struct {
	Pod, Why string
	For      time.Duration
}

// Error implements error.
func (e *StartError) Error() string {
	return fmt.Sprintf("pod %s, which is to reach the volume, does not run after %s: %s", e.Pod, e.For, e.Why)
}

// await waits until the pod runs.
func (p *Pod) await(ctx context.Context, o *Options) error {
	why, stuck := "", time.Duration(0)
	for waited := time.Duration(0); ; waited += every {
		pod, err := p.cluster.Pod(ctx, p.name)
		switch {
		case err != nil:
			return err
		case pod == nil:
			return &StartError{p.name, "someone else has deleted it", waited}
		case running(pod):
			return nil
		case pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded:
			return &StartError{p.name, ended(pod), waited}
		}
		if now := p.waits(ctx, pod); now != "" && now != why {
			why = now
			o.Waits(why)
		}
		if stuck += every; !isStuck(pod) {
			stuck = 0
		}
		if stuck >= stuckTimeout || waited >= startTimeout {
			return &StartError{p.name, cmp.Or(why, "Kubernetes does not say why (kubectl describe pod "+p.name+")"), waited}
		}
		if err := o.Pause(ctx, every); err != nil {
			return err
		}
	}
}

// running reports whether commands can run in the pod.
func running(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodRunning && slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.State.Running != nil
	})
}

// waits says why the pod does not run, as far as it may be asked.
func (p *Pod) waits(ctx context.Context, pod *corev1.Pod) string {
	events, _ := p.cluster.EventsAbout(ctx, pod.UID)
	if why := run.PodWaits([]corev1.Pod{*pod}, events); why != "" {
		return why
	}
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "ContainerCreating" {
			return advice.Brief(cmp.Or(w.Message, w.Reason))
		}
	}
	return ""
}

// isStuck reports whether the pod is in a state that rarely passes by itself.
func isStuck(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.State.Waiting != nil && c.State.Waiting.Reason != "ContainerCreating"
	})
}

// ended says how a pod has ended.
func ended(pod *corev1.Pod) string {
	said := cmp.Or(pod.Status.Message, pod.Status.Reason)
	for _, c := range pod.Status.ContainerStatuses {
		if t := c.State.Terminated; t != nil && said == "" {
			said = fmt.Sprintf("it ended with exit code %d: %s", t.ExitCode, cmp.Or(t.Message, t.Reason))
		}
	}
	return advice.Brief(cmp.Or(said, "it has ended"))
}
