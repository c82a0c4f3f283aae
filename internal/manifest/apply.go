package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// Wanted is what an apply is asked for.
type Wanted struct {
	Project string
	Objects []*Object
	// References are the images by digest, by their names in slipway.yaml.
	References map[string]string
	// Unbuilt is the reference of images whose digest is not known yet.
	Unbuilt string
	// Prune deletes what slipway applied for the project and no manifest names.
	Prune bool
	// Force takes fields from other field managers.
	Force bool
	// Pause waits for a duration, or until the context ends.
	Pause func(context.Context, time.Duration) error
}

// parallel bounds how many objects are planned in parallel.
const parallel = 8

// Plan returns what Apply would do, in its order. It asks the server by dry runs, and changes
// nothing. It fails if the server would refuse one of the changes, with a *source.Error if
// the manifest is to blame.
func Plan(ctx context.Context, s Store, w Wanted) ([]Change, error) {
	changes, errs := make([]Change, len(w.Objects)), make([]error, len(w.Objects))
	group, limited := panics.WithContext(ctx)
	group.SetLimit(parallel)
	for n, o := range w.Objects {
		group.Go(func() error {
			changes[n], errs[n] = w.plan(limited, s, o)
			if wrong := new(source.Error); errs[n] != nil && !errors.As(errs[n], &wrong) && !apierrors.IsConflict(errs[n]) {
				return errs[n] // the others would fail in the same way
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	pruned, err := w.planPrune(ctx, s)
	return append(changes, pruned...), err
}

func (w Wanted) plan(ctx context.Context, s Store, o *Object) (Change, error) {
	object := w.object(o)
	before, err := s.Get(ctx, o.Kind(), o.Name())
	if none := new(cluster.NoKindError); errors.As(err, &none) {
		if w.defines(o.Kind()) {
			return changeOf(object, nil, object), nil
		}
		return Change{}, &source.Error{Position: o.Position, Message: none.Error(), Hint: "install what defines it, or put its CustomResourceDefinition among the manifests", Err: err}
	}
	if err != nil {
		return Change{}, err
	}
	if err := w.checkOwner(o, before); err != nil {
		return Change{}, err
	}
	after, err := s.Apply(ctx, object, w.Force, true)
	switch {
	case apierrors.IsNotFound(err) && before == nil: // its namespace is not created yet
		return changeOf(object, nil, object), nil
	case apierrors.IsInvalid(err) && before != nil && o.Kind().Kind == "Job" && w.isUnbuilt(o): // its image may not change, and need not
		return Change{Kind: o.Kind(), Name: o.Name(), Action: Update, object: object, before: before}, nil
	case err != nil:
		return Change{}, explain(o, err)
	}
	return changeOf(object, before, after), nil
}

// checkOwner returns a *source.Error if an object that is there belongs to another project, or
// is being deleted. before may be nil.
func (w Wanted) checkOwner(o *Object, before *unstructured.Unstructured) error {
	if before == nil {
		return nil
	}
	if project := before.GetLabels()[secret.LabelProject]; project != "" && project != w.Project {
		return &source.Error{Position: o.Position, Message: fmt.Sprintf("%s was applied by slipway for project %s", o, project),
			Hint: "give it another name, or remove its label " + secret.LabelProject}
	}
	if before.GetDeletionTimestamp() != nil {
		return &source.Error{Position: o.Position, Message: o.String() + " is being deleted", Hint: "wait until it is gone, or until nothing uses it any more"}
	}
	return nil
}

// isUnbuilt reports whether an object has an image whose digest is not known yet.
func (w Wanted) isUnbuilt(o *Object) bool {
	return slices.ContainsFunc(o.Images(), func(name string) bool { return w.References[name] == w.Unbuilt })
}

// Apply makes the changes that Plan returned for w, apart from deleting what is pruned. It
// returns those that it made, and one of which that is not known. One that failed half-way
// can be repeated.
func Apply(ctx context.Context, s Store, w Wanted, changes []Change) (made []Change, err error) {
	stored, err := readInventory(ctx, s, w.Project)
	if err != nil {
		return nil, err
	}
	applied := stored.with(w.entries()...)
	if len(applied) != len(stored) {
		if err := applied.write(ctx, s, w.Project); err != nil {
			return nil, err
		}
	}
	for n, c := range changes {
		if c.Action == Create || c.Action == Update {
			if c.before == nil { // it may be there by now, or have been there in another version
				if c.before, err = w.find(ctx, s, c.object); err == nil {
					err = w.checkOwner(w.Objects[n], c.before)
				}
				if err != nil {
					return made, explain(w.Objects[n], err)
				}
				if c.before != nil {
					c.Action = Update
				}
			}
			err := w.apply(ctx, s, c.object)
			if !refused(err) {
				made = append(made, c)
			}
			if err != nil {
				return made, explain(w.Objects[n], err)
			}
		}
	}
	return made, nil
}

// refused reports whether the server has answered a request and changed nothing.
func refused(err error) bool {
	var answer apierrors.APIStatus
	return errors.As(err, &answer) && answer.Status().Code/100 == 4
}

// The cluster needs a moment to serve the kinds of a new CustomResourceDefinition.
const (
	newKindTimeout = 30 * time.Second
	newKindPause   = 250 * time.Millisecond
)

// apply applies one object.
func (w Wanted) apply(ctx context.Context, s Store, object *unstructured.Unstructured) error {
	return w.onceServed(ctx, object.GroupVersionKind(), func() error {
		_, err := s.Apply(ctx, object, w.Force, false)
		return err
	})
}

// find returns an object as it is in the cluster, or nil if there is none.
func (w Wanted) find(ctx context.Context, s Store, object *unstructured.Unstructured) (found *unstructured.Unstructured, err error) {
	err = w.onceServed(ctx, object.GroupVersionKind(), func() (err error) {
		found, err = s.Get(ctx, object.GroupVersionKind(), object.GetName())
		return err
	})
	return found, err
}

// onceServed calls do. If the CustomResourceDefinition of the kind was applied just now, it
// calls do again until the cluster has the kind.
func (w Wanted) onceServed(ctx context.Context, kind schema.GroupVersionKind, do func() error) error {
	for waited := time.Duration(0); ; waited += newKindPause {
		err := do()
		if none := new(cluster.NoKindError); !errors.As(err, &none) || !w.defines(kind) || waited >= newKindTimeout {
			return err
		}
		if err := w.Pause(ctx, newKindPause); err != nil {
			return err
		}
	}
}

// object returns an object as it is applied. Its label says for which project.
func (w Wanted) object(o *Object) *unstructured.Unstructured {
	object := o.With(w.References)
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[secret.LabelProject] = w.Project
	object.SetLabels(labels)
	return object
}

// defines reports whether one of the objects is the CustomResourceDefinition of a kind.
func (w Wanted) defines(kind schema.GroupVersionKind) bool {
	return slices.ContainsFunc(w.Objects, func(o *Object) bool {
		group, _, _ := unstructured.NestedString(o.object.Object, "spec", "group")
		name, _, _ := unstructured.NestedString(o.object.Object, "spec", "names", "kind")
		return o.Kind().Kind == "CustomResourceDefinition" && group == kind.Group && name == kind.Kind
	})
}

// entries returns the objects as entries of an inventory.
func (w Wanted) entries() inventory {
	var all inventory
	for _, o := range w.Objects {
		all = append(all, entry{o.Kind(), o.Name()})
	}
	return all
}

// TakeOver says how to change fields of other field managers.
const TakeOver = "--force-conflicts takes them over"

// hasReplicas reports whether a conflict is about the replicas of a workload.
func hasReplicas(err error) bool {
	var answer apierrors.APIStatus
	return errors.As(err, &answer) && answer.Status().Details != nil &&
		slices.ContainsFunc(answer.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == ".spec.replicas" })
}

// explain adds the place of an object to an error of the server.
func explain(o *Object, err error) error {
	switch {
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return &source.Error{Position: o.Position, Message: err.Error(), Err: err}
	case apierrors.IsConflict(err):
		hint := TakeOver
		if hasReplicas(err) {
			hint += "; if an autoscaler sets spec.replicas, leave it out of the manifest"
		}
		return fmt.Errorf("%s: %w (%s)", o.Position, err, hint)
	}
	return err
}
