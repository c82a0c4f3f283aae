package rollout

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// causes finds why the controllers of workloads can create no pods: a quota, a service account that
// does not exist, a policy.
type causes struct {
	now  func() time.Time
	last map[types.UID]asked
}

// asked is what was found out about a workload, and when.
type asked struct {
	at    time.Time
	cause string
}

// eventsInterval is the minimum time between two questions for the events about a workload.
const eventsInterval = 5 * time.Second

// of returns why no pod of a workload can be created, with what to do, or "". found may be nil.
func (a *causes) of(ctx context.Context, c *cluster.Cluster, found *unstructured.Unstructured) string {
	if found == nil {
		return ""
	}
	switch found.GetKind() {
	case "Deployment", "ReplicaSet", "ReplicationController": // their controllers write a condition
		return replicaFailure(found)
	case "StatefulSet", "DaemonSet", "Job":
	default:
		return ""
	}
	if last, has := a.last[found.GetUID()]; has && a.now().Sub(last.at) < eventsInterval {
		return last.cause
	}
	if a.last == nil {
		a.last = map[types.UID]asked{}
	}
	cause := eventCause(ctx, c, found)
	a.last[found.GetUID()] = asked{a.now(), cause}
	return cause
}

// replicaFailure returns the message of the condition ReplicaFailure, or "".
func replicaFailure(found *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(found.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if condition["type"] == "ReplicaFailure" && condition["status"] == "True" {
			reason, _ := condition["reason"].(string)
			message, _ := condition["message"].(string)
			return advised(reason, message)
		}
	}
	return ""
}

// eventCause returns the message of the last event about a workload, if that says that a pod could
// not be created. What cannot be read is left out.
func eventCause(ctx context.Context, c *cluster.Cluster, found *unstructured.Unstructured) string {
	events, err := c.EventsAbout(ctx, found.GetUID())
	if err != nil || len(events) == 0 {
		return ""
	}
	last := events[len(events)-1]
	if last.Type != corev1.EventTypeWarning || last.Reason != "FailedCreate" {
		return ""
	}
	return advised(last.Reason, last.Message)
}
