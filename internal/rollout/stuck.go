package rollout

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-ci/slipway/internal/cluster"
)

const (
	// patience is how long a pod may be stuck. A registry may fail for a moment, and a Secret may
	// come a little later than the pod.
	patience = 30 * time.Second
	// maxRestarts is how often a container may crash. One that waits for another server may crash
	// once or twice.
	maxRestarts = 3
)

// stuckReasons are the reasons for which a container waits that seldom pass by themselves.
var stuckReasons = []string{"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "CreateContainerConfigError", "CreateContainerError"}

// hopelessReasons are those that never do.
var hopelessReasons = []string{"InvalidImageName", "ErrImageNeverPull"}

// stuck finds workloads that will not be rolled out, before the time to wait is over: their
// pods may hold nodes that cost money.
type stuck struct {
	now   func() time.Time
	since map[Object]time.Time
}

// is reports whether a pod of a workload is stuck for good.
func (s *stuck) is(ctx context.Context, c *cluster.Cluster, object Object, found *unstructured.Unstructured) bool {
	waits := false
	for _, pod := range newPods(ctx, c, found) {
		hopeless, may := look(&pod)
		if hopeless {
			return true
		}
		waits = waits || may
	}
	since, was := s.since[object]
	switch {
	case !waits:
		delete(s.since, object)
		return false
	case !was:
		since = s.now()
		s.since[object] = since
	}
	return s.now().Sub(since) >= patience
}

// look reports whether a pod will not run, and whether it may not run.
func look(pod *corev1.Pod) (hopeless, stuck bool) {
	for _, status := range containers(pod) {
		waiting := status.State.Waiting
		switch {
		case waiting == nil:
		case slices.Contains(hopelessReasons, waiting.Reason), waiting.Reason == "CrashLoopBackOff" && status.RestartCount >= maxRestarts:
			hopeless = true
		case slices.Contains(stuckReasons, waiting.Reason):
			stuck = true
		}
	}
	return hopeless, stuck
}

func containers(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}
