package manifest

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// isJob reports whether an object, which may be nil, is a Job of Kubernetes.
func isJob(object *unstructured.Unstructured) bool {
	return object != nil && object.GetKind() == "Job" && object.GroupVersionKind().Group == "batch"
}

// isFinished reports whether a Job has run to its end.
func isFinished(job *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(job.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return (condition["type"] == "Complete" || condition["type"] == "Failed") && condition["status"] == "True"
	})
}

// planJob returns the change of a Job that Kubernetes refuses to change, for the reason refused:
// what a Job runs cannot change. One that has finished is deleted and created again, so that it
// runs with what is new. One that runs is never deleted.
func (w Wanted) planJob(ctx context.Context, s Store, o *Object, before *unstructured.Unstructured, refused error) (Change, error) {
	object := w.object(o)
	again := object.DeepCopy()
	name := fnv.New64a()
	_, _ = name.Write([]byte(o.Name())) // never fails
	again.SetName(fmt.Sprintf("slipway-dry-run-%x", name.Sum64()))
	after, _, err := s.Apply(ctx, again, w.Force, true)
	if err != nil { // a new Job would be refused, too
		return Change{}, explain(o, refused)
	}
	after.SetName(o.Name())
	if err := w.checkReplaced(o, before); err != nil {
		if w.isUnbuilt(o) { // its image may turn out to be the same
			return Change{Kind: o.Kind(), Name: o.Name(), Action: Update, object: object, before: before}, nil
		}
		return Change{}, err
	}
	change := o.changeOf(object, before, object)
	change.Action, change.after = Replace, after
	change.Reason = "what a Job runs cannot change, so the finished one is deleted and created again"
	return change, nil
}

// checkReplaced returns a *source.Error if a Job must not be replaced.
func (w Wanted) checkReplaced(o *Object, before *unstructured.Unstructured) error {
	const hint = "what a Job runs cannot change: "
	switch {
	case !isFinished(before):
		return &source.Error{Position: o.Position, Message: o.String() + " is running, and the manifest changes what it runs",
			Hint: hint + "wait until it ends, delete it (kubectl delete job " + o.Name() + "), or give the new one another name"}
	case before.GetLabels()[secret.LabelProject] != w.Project:
		return &source.Error{Position: o.Position, Message: o.String() + " was not applied by slipway, and the manifest changes what it runs",
			Hint: hint + "delete it (kubectl delete job " + o.Name() + "), or give the new one another name"}
	}
	return nil
}

// A Job that is deleted may stay for a moment.
const (
	jobGoneTimeout = 30 * time.Second
	jobGonePause   = 250 * time.Millisecond
)

// deleteJob deletes a finished Job, and waits until it is gone.
func (w Wanted) deleteJob(ctx context.Context, s Store, o *Object, before *unstructured.Unstructured) error {
	if err := w.checkReplaced(o, before); err != nil {
		return err
	}
	if err := s.Delete(ctx, before, false); err != nil {
		return err
	}
	for waited := time.Duration(0); ; waited += jobGonePause {
		now, err := s.Get(ctx, o.Kind(), o.Name())
		if err != nil || now == nil || now.GetUID() != before.GetUID() {
			return err
		}
		if waited >= jobGoneTimeout {
			return &source.Error{Position: o.Position, Message: o.String() + " is deleted, and is still there", Hint: "something keeps it by a finalizer: see kubectl get job " + o.Name() + " -o yaml"}
		}
		if err := w.Pause(ctx, jobGonePause); err != nil {
			return err
		}
	}
}
