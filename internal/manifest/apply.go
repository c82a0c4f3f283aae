package manifest

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// maxAttempts is how often a change is tried when others change the same object.
const maxAttempts = 10

// Apply makes the changes that Plan returned for w, apart from deleting what is pruned. It
// returns those that it made, and one of which that is not known. One that failed half-way
// can be repeated.
func Apply(ctx context.Context, s Store, w Wanted, changes []Change) (made []Change, err error) {
	if err := w.record(ctx, s); err != nil {
		return nil, err
	}
	for n, c := range changes {
		switch c.Action {
		case Create, Update, Replace:
			did, err := w.change(ctx, s, w.Objects[n], c)
			if did.Action != Unchanged {
				made = append(made, did)
			}
			if err != nil {
				return made, explain(w.Objects[n], err)
			}
		}
	}
	if len(made) == 0 {
		return nil, nil
	}
	return made, w.record(ctx, s) // a prune that ran meanwhile may have taken out what was gone then
}

// change makes the change of one object, and returns what it did. What it did may be nothing:
// another apply may have made the same change meanwhile.
func (w Wanted) change(ctx context.Context, s Store, o *Object, c Change) (Change, error) {
	nothing, lost := Change{Action: Unchanged}, false
	for n := 1; ; n++ {
		now, err := w.find(ctx, s, c.object)
		if err == nil {
			err = w.checkOwner(o, now)
		}
		if err == nil && c.Action == Replace && now != nil {
			if err = w.deleteJob(ctx, s, o, now); err == nil {
				now = nil
			}
		}
		if err != nil {
			return nothing, err
		}
		if !lost { // what there is now is not of this apply
			c.before = now
		}
		applied, created, err := w.apply(ctx, s, c.object, now)
		changed := new(cluster.ChangedError)
		switch {
		case errors.As(err, &changed) && n < maxAttempts:
			lost = lost || changed.Lost
			continue
		case refused(err) && c.Action != Replace:
			return nothing, err
		case err != nil: // it may have been applied, as the dry run said
			c.unsure = true
			return c.did(), err
		case !lost && now != nil && applied.GetResourceVersion() == now.GetResourceVersion():
			return nothing, nil
		}
		c.after, c.unsure, c.shared = applied, false, now == nil && !created
		return c.did(), nil
	}
}

// did returns a change with what it was in the end.
func (c Change) did() Change {
	if c.Action != Replace {
		c.Action = Create
		if c.before != nil || c.shared {
			c.Action = Update
		}
	}
	return c
}

// The cluster needs a moment to serve the kinds of a new CustomResourceDefinition.
const (
	newKindTimeout = 30 * time.Second
	newKindPause   = 250 * time.Millisecond
)

// apply applies an object that is now in the cluster, and was not changed since. now may be nil.
func (w Wanted) apply(ctx context.Context, s Store, object, now *unstructured.Unstructured) (applied *unstructured.Unstructured, created bool, err error) {
	if now != nil && w.Force {
		if now, err = takeOver(ctx, s, now); err != nil {
			return nil, false, err
		}
	}
	if now != nil {
		object = object.DeepCopy()
		object.SetResourceVersion(now.GetResourceVersion())
	}
	err = w.onceServed(ctx, object.GroupVersionKind(), func() (err error) {
		applied, created, err = s.Apply(ctx, object, w.Force, false)
		return err
	})
	return applied, created, err
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
