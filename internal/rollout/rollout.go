// Package rollout waits until the objects that were applied are rolled out: until the pods of a
// Deployment run, a claim is bound, and so on.
package rollout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// Object is an object that is waited for.
type Object struct {
	Kind schema.GroupVersionKind
	Name string
	// Changed reports whether it was changed just now.
	Changed bool
}

// String returns the object's kind and name.
func (o Object) String() string { return o.Kind.Kind + " " + o.Name }

// Options say how to wait.
type Options struct {
	// Timeout is how long to wait for all objects together.
	Timeout time.Duration
	// Now returns the time, and Pause waits for a duration.
	Now   func() time.Time
	Pause func(context.Context, time.Duration) error
	// Notify is called with what an object waits for, whenever that changes, and when it is rolled out.
	Notify func(o Object, message string)
}

const (
	// pause is the time between two looks at the objects.
	pause = time.Second
	// settle is how long what has changed must stay rolled out. A container without a readinessProbe
	// counts as ready from its start on, also if it fails at once.
	settle = 3 * time.Second
)

// Wait waits until all objects are rolled out. It returns an *exit.RolloutError with what is
// known about the pods if an object fails, if its pods are stuck, or if it is not rolled out in
// time.
func Wait(ctx context.Context, in *cluster.Objects, objects []Object, o Options) error {
	end := o.Now().Add(o.Timeout)
	w := &wait{Options: o, in: in, begun: o.Now(), waits: map[Object]string{}, noted: map[Object]bool{}, passing: passing{}, pods: &stuck{now: o.Now, since: map[Object]time.Time{}}, causes: &causes{now: o.Now}}
	waiting, settled := objects, false
	for {
		left, err := w.look(ctx, waiting)
		if err != nil {
			return err
		}
		next := pause
		switch {
		case len(left) > 0 && !o.Now().Before(end):
			found, err := in.Get(ctx, left[0].Kind, left[0].Name)
			if err != nil {
				return err
			}
			return w.failure(ctx, left[0], found, fmt.Sprintf("not rolled out within %s: %s", o.Timeout, w.waits[left[0]]))
		case len(left) > 0:
			waiting, settled = left, false
		case settled || len(w.waits) == 0:
			for _, object := range w.changed(objects) {
				o.Notify(object, "rolled out")
			}
			return nil
		default:
			waiting, settled, next = slices.DeleteFunc(w.changed(objects), isJob), true, settle
		}
		if err := o.Pause(ctx, next); err != nil {
			return err
		}
	}
}

// wait is a wait that goes on.
type wait struct {
	Options
	in    *cluster.Objects
	begun time.Time
	// waits is what each object that was not rolled out at some look was last reported to wait for.
	// noted are the objects that were reported to have no status to wait for.
	waits   map[Object]string
	noted   map[Object]bool
	passing passing
	pods    *stuck
	causes  *causes
}

// changed returns the objects that were not rolled out at some look.
func (w *wait) changed(objects []Object) []Object {
	return slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { _, was := w.waits[o]; return !was })
}

// look returns the objects that are not rolled out yet, and reports what they wait for.
func (w *wait) look(ctx context.Context, objects []Object) (left []Object, err error) {
	for _, object := range objects {
		found, err := w.in.Get(ctx, object.Kind, object.Name)
		if err != nil {
			return nil, err
		}
		state, err := w.state(ctx, object, found)
		if err != nil {
			return nil, fmt.Errorf("read the state of %s: %w", object, err)
		}
		switch state.Status {
		case status.CurrentStatus:
			continue
		case status.InProgressStatus, status.UnknownStatus:
			if w.awaitsPod(ctx, found) {
				continue
			}
		default:
			return nil, w.failure(ctx, object, found, w.withCause(ctx, found, state.Message))
		}
		if w.pods.is(ctx, w.in.Cluster, object, found) {
			return nil, w.failure(ctx, object, found, "it will not be rolled out: "+w.withCause(ctx, found, state.Message))
		}
		left = append(left, object)
		message := w.withCause(ctx, found, state.Message)
		if last, was := w.waits[object]; !was || last != message {
			w.waits[object] = message
			w.Notify(object, message)
		}
	}
	return left, nil
}

// selectedNode is the annotation that a claim has once a pod uses it.
const selectedNode = "volume.kubernetes.io/selected-node"

// awaitsPod reports whether an object is a claim that Kubernetes binds only when a pod uses it, and
// none does yet.
func (w *wait) awaitsPod(ctx context.Context, found *unstructured.Unstructured) bool {
	name, _, _ := unstructured.NestedString(found.Object, "spec", "storageClassName")
	if found.GetKind() != "PersistentVolumeClaim" || name == "" || found.GetAnnotations()[selectedNode] != "" {
		return false
	}
	class, err := w.in.Get(ctx, schema.GroupVersionKind{Group: "storage.k8s.io", Version: "v1", Kind: "StorageClass"}, name)
	if err != nil || class == nil {
		return false // it cannot tell, and waits
	}
	mode, _, _ := unstructured.NestedString(class.Object, "volumeBindingMode")
	return mode == "WaitForFirstConsumer"
}

func (w *wait) failure(ctx context.Context, object Object, found *unstructured.Unstructured, message string) error {
	return &exit.RolloutError{Object: object.String(), Message: message, Pods: podsOf(ctx, w.in.Cluster, found)}
}

// withCause adds to a message why no pod of a workload can be created, or replaced, if that is so.
func (w *wait) withCause(ctx context.Context, found *unstructured.Unstructured, message string) string {
	if cause := w.causes.of(ctx, w.in.Cluster, found); cause != "" {
		return message + ": no pod can be created: " + cause
	}
	if pod := blocking(ctx, w.in.Cluster, found); pod != "" {
		return message + ": Kubernetes waits for pod " + pod + " of an older revision, which cannot start: delete it (kubectl delete pod " + pod + ")"
	}
	return message
}
