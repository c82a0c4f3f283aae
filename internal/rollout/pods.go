package rollout

import (
	"context"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-ci/slipway/internal/advice"
	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/tasks/exit"
)

const (
	// maxPods is how many pods a failure names.
	maxPods = 3
	// maxLines is how many last lines of a container it has.
	maxLines = 10
	// maxBytes bounds what is read of these lines.
	maxBytes = 64 << 10
)

// podsOf returns what is known about the pods of a workload that are not ready. What cannot be
// read is left out: the error says already that the rollout failed.
func podsOf(ctx context.Context, c *cluster.Cluster, found *unstructured.Unstructured) []exit.RolloutPod {
	if found == nil {
		return nil
	}
	selector := selectorOf(found)
	if selector == "" {
		return nil
	}
	pods := newPods(ctx, c, found)
	if len(pods) == 0 {
		list, err := c.Client.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return nil
		}
		pods = list.Items
	}
	var all []exit.RolloutPod
	for i := range pods {
		if pod := &pods[i]; !cluster.Ready(pod) && pod.DeletionTimestamp == nil && len(all) < maxPods {
			all = append(all, describe(ctx, c, pod))
		}
	}
	return all
}

// describe returns why a pod is not ready, and the last lines of the container that is to
// blame.
func describe(ctx context.Context, c *cluster.Cluster, pod *corev1.Pod) exit.RolloutPod {
	known := exit.RolloutPod{Name: pod.Name, Reason: advised(pod.Status.Reason, pod.Status.Message)}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			known.Reason = advised(condition.Reason, condition.Message)
			return known
		}
	}
	for _, s := range containers(pod) {
		last := s.State.Terminated
		if last == nil {
			last = s.LastTerminationState.Terminated
		}
		switch waiting := s.State.Waiting; {
		case s.Ready || last != nil && last.ExitCode == 0 && s.State.Waiting == nil:
			continue
		case waiting != nil && waiting.Reason == "PodInitializing":
			continue
		case waiting != nil:
			known.Reason = advised(waiting.Reason, waiting.Message)
		case last != nil:
			known.Reason = advised(last.Reason, last.Message)
		default:
			known.Reason = "running, but not ready"
		}
		known.Container = s.Name
		known.LastLines = lastLines(ctx, c, pod.Name, s.Name)
		return known
	}
	return known
}

// advised returns a reason and its message, with what to do if that is known.
func advised(reason, message string) string {
	text := advice.Brief(strings.Trim(reason+": "+message, ": "))
	if todo := advice.For(advice.Manifest, reason, message); todo != "" {
		text += "; " + todo
	}
	return text
}

// noLog begins what the kubelet sends for a container that it has just removed.
const noLog = "unable to retrieve container logs for "

// lastLines returns the last lines of a container. While it waits to be restarted, these are the
// lines of its last instance.
func lastLines(ctx context.Context, c *cluster.Cluster, pod, container string) []string {
	count := int64(maxLines)
	body, err := c.PodLog(ctx, pod, &corev1.PodLogOptions{Container: container, TailLines: &count})
	if err != nil {
		return nil
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxBytes))
	if err != nil || len(text) == 0 || strings.HasPrefix(string(text), noLog) {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(string(text), "\n"), "\n") {
		lines = append(lines, logline.Sanitize(line))
	}
	return lines
}
