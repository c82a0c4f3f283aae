package dockerfile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// ready waits until buildkitd is ready in its pod, and returns the name of the pod. It
// calls waiting each time the reason for the wait changes. After the timeout the reason is
// in the error. ready gives up early if only a user can help, for example if the image does
// not exist.
func (k *Kubernetes) ready(ctx context.Context, clients *cluster.Clients, waiting func(string)) (string, error) {
	timeout, every, stuck := k.Timeout, k.every, k.stuck
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if every == 0 {
		every = time.Second
	}
	if stuck == 0 {
		stuck = time.Minute
	}
	end := time.NewTimer(timeout)
	defer end.Stop()
	var last state
	since := time.Now()
	for {
		now, err := k.readState(ctx, clients)
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil:
			return "", k.explain(ctx, "get the state of buildkitd", err)
		case now.pod != "":
			return now.pod, nil
		}
		if now.reason != last.reason {
			if waiting != nil {
				waiting(now.reason)
			}
			if !now.stuck || !last.stuck {
				since = time.Now()
			}
			last = now
		}
		if now.refused || now.stuck && time.Since(since) >= stuck {
			return "", fmt.Errorf("buildkitd cannot start in namespace %s: %s", k.Namespace, now.reason)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-end.C:
			return "", fmt.Errorf("buildkitd in namespace %s is not ready after %v: %s", k.Namespace, timeout, last.reason)
		case <-time.After(every):
		}
	}
}

// state is the state of buildkitd's pod.
type state struct {
	// pod is the name of the pod if it is ready.
	pod string
	// reason says what it waits for.
	reason string
	// stuck is a state that rarely passes by itself, and refused one that never does.
	stuck, refused bool
}

func (k *Kubernetes) readState(ctx context.Context, clients *cluster.Clients) (state, error) {
	deployment, err := clients.AppsV1().Deployments(k.Namespace).Get(ctx, ObjectName, metav1.GetOptions{})
	if err != nil {
		return state{}, err
	}
	pods, err := clients.CoreV1().Pods(k.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + ObjectName})
	if err != nil {
		return state{}, err
	}
	return stateOf(deployment, pods.Items), nil
}

// stateOf returns the state of a deployment and its pods.
func stateOf(deployment *appsv1.Deployment, pods []corev1.Pod) state {
	for _, condition := range deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
			return state{reason: "its pod is rejected: " + condition.Message, refused: true}
		}
	}
	pods = slices.DeleteFunc(slices.Clone(pods), func(p corev1.Pod) bool {
		return p.DeletionTimestamp != nil || !sameImage(deployment, p) // of before the last change
	})
	if len(pods) == 0 {
		return state{reason: "it has no pod yet"}
	}
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	pod := pods[0]
	for _, condition := range pod.Status.Conditions {
		switch {
		case condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue:
			return state{pod: pod.Name}
		case condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse:
			return state{reason: "its pod cannot be scheduled: " + condition.Message}
		}
	}
	for _, container := range pod.Status.ContainerStatuses {
		if s, found := containerState(pod.Name, container); found {
			return s
		}
	}
	return state{reason: "its pod " + pod.Name + " is starting"}
}

func sameImage(deployment *appsv1.Deployment, pod corev1.Pod) bool {
	want, have := deployment.Spec.Template.Spec.Containers, pod.Spec.Containers
	return len(want) > 0 && len(have) > 0 && want[0].Image == have[0].Image
}

func containerState(pod string, container corev1.ContainerStatus) (state, bool) {
	waits := container.State.Waiting
	switch {
	case waits == nil:
		return state{}, false
	case slices.Contains([]string{"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}, waits.Reason):
		return state{reason: fmt.Sprintf("its image %s cannot be pulled: %s", container.Image, text(waits)), stuck: true, refused: waits.Reason == "InvalidImageName"}, true
	case waits.Reason == "CrashLoopBackOff":
		reason := fmt.Sprintf("it ended %d times", container.RestartCount)
		if ended := container.LastTerminationState.Terminated; ended != nil {
			reason += fmt.Sprintf(", with exit code %d", ended.ExitCode)
			if ended.Message != "" {
				reason += ": " + strings.TrimSpace(ended.Message)
			}
		}
		return state{reason: reason + "; see kubectl logs " + pod, stuck: true}, true
	case waits.Reason == "ContainerCreating":
		return state{}, false
	}
	return state{reason: text(waits), stuck: strings.HasPrefix(waits.Reason, "Create")}, true
}

func text(waits *corev1.ContainerStateWaiting) string {
	if waits.Message == "" {
		return waits.Reason
	}
	return waits.Message
}
