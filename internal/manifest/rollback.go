package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Why a rollback leaves an object, or a part of it, as it is.
const (
	changedMeanwhile = "it was changed meanwhile, so it is left as it is"
	goneMeanwhile    = "it was deleted meanwhile"
	sharedMeanwhile  = "somebody else created it meanwhile, so it is left as it is"
	podsMayStay      = "Kubernetes waits for a pod that cannot start, also for one of the failed revision: delete it if it stays"
	jobNotRunAgain   = "the finished Job that it replaced is not put back, as it would run again"
)

// Rollback puts back what was before Apply made the changes, in reverse order: it deletes what was
// created. It only touches what is still as Apply has left it, and only what Apply has changed. It
// returns what it did about each object, in the order of made, and all errors joined.
func Rollback(ctx context.Context, s Store, made []Change) ([]Change, error) {
	var did []Change
	var errs []error
	for _, c := range slices.Backward(made) {
		action, why, err := c.rollBack(ctx, s)
		if c.Reason = why; err != nil {
			errs = append(errs, err)
		} else {
			c.Action = action
		}
		did = append(did, c)
	}
	slices.Reverse(did)
	return did, errors.Join(errs...)
}

// rollBack rolls back a change. It returns RollBack or Leave, and why the object is not as it
// was, or "".
func (c Change) rollBack(ctx context.Context, s Store) (did Action, why string, err error) {
	for n := 1; ; n++ {
		now, err := s.Get(ctx, c.Kind, c.Name)
		if err != nil {
			return did, "", err
		}
		if now != nil && c.shared {
			return Leave, sharedMeanwhile, nil
		}
		switch {
		case c.before == nil, c.Action == Replace:
			did, why, err = c.deleteCreated(ctx, s, now)
		default:
			did, why, err = c.putBack(ctx, s, now)
		}
		if changed := new(cluster.ChangedError); !errors.As(err, &changed) || n == maxAttempts {
			return did, why, err
		}
	}
}

// deleteCreated deletes an object that Apply has created. now may be nil.
func (c Change) deleteCreated(ctx context.Context, s Store, now *unstructured.Unstructured) (did Action, why string, err error) {
	switch {
	case now == nil:
	case c.before != nil && now.GetUID() == c.before.GetUID(): // it was not replaced yet
		return RollBack, "", nil
	case now.GetLabels()[secret.LabelProject] != c.object.GetLabels()[secret.LabelProject],
		!c.unsure && now.GetUID() != c.after.GetUID(), !asApplied(c.after, now, !c.unsure), !sameValues(c.object.Object, c.after.Object, now.Object):
		return Leave, changedMeanwhile, nil
	default:
		err = s.Delete(ctx, now, false)
	}
	if c.Action == Replace {
		why = jobNotRunAgain
	}
	return RollBack, why, err
}

// putBack puts back an object that Apply has changed. now may be nil.
func (c Change) putBack(ctx context.Context, s Store, now *unstructured.Unstructured) (did Action, why string, err error) {
	switch {
	case now == nil:
		return Leave, goneMeanwhile, nil
	case c.unsure && now.GetResourceVersion() == c.before.GetResourceVersion(): // it was not applied
		return RollBack, "", nil
	case now.GetUID() != c.before.GetUID(), !asApplied(c.after, now, !c.unsure):
		return Leave, changedMeanwhile, nil
	}
	wanted, clear := undo(c.before, c.after, now)
	if !clear {
		return Leave, changedMeanwhile, nil
	}
	back, err := s.Update(ctx, wanted)
	if err != nil {
		return did, "", err
	}
	return RollBack, c.leftPods(), c.giveBack(ctx, s, now, back)
}

// leftPods says that pods of a StatefulSet may not follow when it is put back, or returns "".
func (c Change) leftPods() string {
	policy, _, _ := unstructured.NestedString(c.before.Object, "spec", "podManagementPolicy")
	if c.Kind.Group != "apps" || c.Kind.Kind != "StatefulSet" || policy == "Parallel" {
		return ""
	}
	return podsMayStay
}

// giveBack gives the fields of an object that was put back to the field managers that had them.
// The API server has given them to the one of the request that put them back. A request that
// changes no field can say whose they are. now is what was there before the object was put back.
func (c Change) giveBack(ctx context.Context, s Store, now, back *unstructured.Unstructured) error {
	for n := 1; ; n++ {
		wanted := back.DeepCopy()
		wanted.SetManagedFields(fieldManagersBefore(c.before.GetManagedFields(), c.after.GetManagedFields(), now.GetManagedFields(), back.GetManagedFields()))
		_, err := s.Update(ctx, wanted)
		if changed := new(cluster.ChangedError); !errors.As(err, &changed) || n == maxAttempts {
			return err
		}
		latest, err := s.Get(ctx, c.Kind, c.Name)
		if err != nil {
			return fmt.Errorf("give the fields of %s back to their managers: %w", c, err)
		}
		if latest == nil || managed(latest.GetManagedFields(), putsBack) == nil || !asApplied(back, latest, true) {
			return nil // it is given back already, or somebody has applied it since
		}
		back = latest
	}
}
