package rollout

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// state returns the state of an object. found is nil if there is none. The rules are those of
// kstatus, with four differences: a Job is rolled out when it is complete, a Pod that failed has
// failed, pods that are only replaced when somebody deletes them are not waited for, and a custom
// resource that has no status is waited for a little, because its controller may not have seen it yet.
func (w *wait) state(ctx context.Context, object Object, found *unstructured.Unstructured) (*status.Result, error) {
	if found == nil {
		return w.gone(ctx, object), nil
	}
	w.passing.note(object, found)
	phase, _, _ := unstructured.NestedString(found.Object, "status", "phase")
	isPod := found.GetKind() == "Pod" && found.GroupVersionKind().Group == ""
	if isPod && phase == "Unknown" { // kstatus does not know it
		return &status.Result{Status: status.InProgressStatus, Message: "the node of the pod does not answer"}, nil
	}
	found = readable(found)
	state, err := status.Compute(found)
	if err != nil && isCustom(found) { // its status is of a form of its own
		return w.withoutStatus(ctx, object, &status.Result{Status: status.CurrentStatus})
	}
	if err != nil || state.Status != status.CurrentStatus {
		return state, err
	}
	suspended, _, _ := unstructured.NestedBool(found.Object, "spec", "suspend")
	switch {
	case isPod && phase == "Failed":
		state.Status = status.FailedStatus
	case found.GetKind() == "Job" && found.GroupVersionKind().Group == "batch" && !suspended && !isTrue(found, "Complete"):
		state.Status = status.InProgressStatus
	case isCustom(found) && !hasStatus(found):
		return w.withoutStatus(ctx, object, state)
	}
	return state, nil
}

// readable returns an object in the form that kstatus reads. Some controllers, such as that of Argo
// Rollouts, write observedGeneration as a text. A DaemonSet whose pods are only replaced when
// somebody deletes them counts as updated, as kstatus has it for a StatefulSet.
func readable(found *unstructured.Unstructured) *unstructured.Unstructured {
	given, _, _ := unstructured.NestedFieldNoCopy(found.Object, "status", "observedGeneration")
	text, isText := given.(string)
	generation, err := strconv.ParseInt(text, 10, 64)
	strategy, _, _ := unstructured.NestedString(found.Object, "spec", "updateStrategy", "type")
	scheduled, _, _ := unstructured.NestedInt64(found.Object, "status", "desiredNumberScheduled")
	switch {
	case isText && err == nil:
		found = found.DeepCopy()
		_ = unstructured.SetNestedField(found.Object, generation, "status", "observedGeneration") // the mapping is there
	case found.GetKind() == "DaemonSet" && strategy == "OnDelete" && scheduled > 0:
		found = found.DeepCopy()
		_ = unstructured.SetNestedField(found.Object, scheduled, "status", "updatedNumberScheduled") // the mapping is there
	}
	return found
}

// isTrue reports whether an object has a condition that is true.
func isTrue(found *unstructured.Unstructured, kind string) bool {
	conditions, _, _ := unstructured.NestedSlice(found.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == kind && condition["status"] == "True"
	})
}

// hasStatus reports whether a controller says how far it is with an object.
func hasStatus(found *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(found.Object, "status", "conditions")
	_, observes, _ := unstructured.NestedInt64(found.Object, "status", "observedGeneration")
	return observes || len(conditions) > 0
}

// statusPatience is how long a controller may take until it writes the first status of an object.
const statusPatience = 10 * time.Second

// withoutStatus returns the state of a custom resource whose state does not show.
func (w *wait) withoutStatus(ctx context.Context, object Object, current *status.Result) (*status.Result, error) {
	if object.Changed && w.Now().Sub(w.begun) < statusPatience {
		awaited, err := w.in.HasStatus(ctx, object.Kind)
		if err != nil {
			return nil, err
		}
		if awaited {
			return &status.Result{Status: status.InProgressStatus, Message: "it has no status yet"}, nil
		}
	}
	if !w.noted[object] {
		w.noted[object] = true
		w.Notify(object, "it has no conditions and no observedGeneration to wait for, so it counts as rolled out")
	}
	return current, nil
}

// servedGroups are the API groups that Kubernetes itself serves. Those without a dot are, too.
var servedGroups = []string{
	"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
	"certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io",
	"internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io",
	"storage.k8s.io", "storagemigration.k8s.io",
}

// isCustom reports whether an object is of a kind that Kubernetes itself does not have.
func isCustom(found *unstructured.Unstructured) bool {
	group := found.GroupVersionKind().Group
	return strings.Contains(group, ".") && !slices.Contains(servedGroups, group)
}
