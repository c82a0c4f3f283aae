package rollout

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// isJob reports whether an object is a Job of Kubernetes. Its end is its last state, after which
// Kubernetes may delete it.
func isJob(o Object) bool { return o.Kind.Kind == "Job" && o.Kind.Group == "batch" }

// passing are the Jobs that Kubernetes deletes by itself some time after their end, as
// spec.ttlSecondsAfterFinished says, which may be before the next look.
type passing map[Object]types.UID

// note keeps that a Job is such a one.
func (p passing) note(object Object, found *unstructured.Unstructured) {
	if _, has, _ := unstructured.NestedInt64(found.Object, "spec", "ttlSecondsAfterFinished"); has && isJob(object) {
		p[object] = found.GetUID()
	}
}

// gone returns the state of an object that does not exist any more. How a Job has ended, its events
// tell for a while longer.
func (w *wait) gone(ctx context.Context, object Object) *status.Result {
	gone := &status.Result{Status: status.NotFoundStatus, Message: "it is gone"}
	uid, passing := w.passing[object]
	if !passing {
		return gone
	}
	gone.Message = "it is gone, and nothing tells whether it was complete: raise spec.ttlSecondsAfterFinished, after which Kubernetes deletes it"
	events, _ := w.in.EventsAbout(ctx, uid) // without the right to list them, that is all
	for _, e := range events {
		switch {
		case e.Reason == "Completed":
			return &status.Result{Status: status.CurrentStatus}
		case e.Type == corev1.EventTypeWarning:
			gone.Message = "it failed, and is gone: " + advised(e.Reason, e.Message)
		}
	}
	return gone
}
