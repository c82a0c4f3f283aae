package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/secret"
)

// planPrune returns what Prune deletes: what is in the inventory, still belongs to the
// project, and is in no manifest. It leaves claims, whose data would be lost, and objects of
// no namespace, which other environments of the project may use. It returns the server's error for
// what would not be deleted, so that nothing is applied then.
func (w Wanted) planPrune(ctx context.Context, s Store) ([]Change, error) {
	if !w.Prune {
		return nil, nil
	}
	applied, err := readInventory(ctx, s, w.Project)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, e := range slices.Backward(without(with(nil, applied.entries...), w.entries())) {
		before, err := s.Get(ctx, e.kind, e.name)
		switch none := new(cluster.NoKindError); {
		case errors.As(err, &none):
			continue // its CustomResourceDefinition is gone, and all of its objects
		case err != nil:
			return nil, err
		case !w.owns(before):
			continue
		}
		change := Change{Kind: e.kind, Name: e.name, Action: Prune, before: before}
		if why, kept := keeps(before); kept {
			change.Action, change.Reason = Leave, why
		} else if err := s.Delete(ctx, before, true); apierrors.IsForbidden(err) || errors.As(err, new(*cluster.RefusedError)) {
			return nil, err // other errors may be about trying alone
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// keeps reports whether an object is not pruned, and why, with what the user can do.
func keeps(object *unstructured.Unstructured) (why string, kept bool) {
	switch {
	case object.GetKind() == "PersistentVolumeClaim":
		why = "its data would be lost"
	case object.GetNamespace() == "":
		why = "it belongs to no namespace, so others may use it"
	default:
		return "", false
	}
	return fmt.Sprintf("%s; if nobody needs it: kubectl delete %s %s", why, strings.ToLower(object.GetKind()), object.GetName()), true
}

// owns reports whether an object, which may be nil, was applied for the project and is not
// being deleted.
func (w Wanted) owns(object *unstructured.Unstructured) bool {
	return object != nil && object.GetLabels()[secret.LabelProject] == w.Project && object.GetDeletionTimestamp() == nil
}

// DeletePruned deletes what Plan found to prune, unless it was replaced, or applied again, since.
// It returns what it deleted, and what it left.
func DeletePruned(ctx context.Context, s Store, w Wanted, changes []Change) (did []Change, err error) {
	if !w.Prune {
		return nil, nil
	}
	for _, c := range changes {
		switch c.Action {
		case Leave:
			did = append(did, c)
		case Prune:
			if c, err = w.prune(ctx, s, c); err != nil {
				return did, err
			}
			did = append(did, c)
		}
	}
	return did, w.forget(ctx, s)
}

// prune deletes an object, and returns what it did.
func (w Wanted) prune(ctx context.Context, s Store, c Change) (Change, error) {
	for n := 1; ; n++ {
		now, err := s.Get(ctx, c.Kind, c.Name)
		if err != nil {
			return c, err
		}
		if now != nil && (!w.owns(now) || now.GetUID() != c.before.GetUID() || !asApplied(c.before, now, true)) {
			c.Action, c.Reason = Leave, changedMeanwhile
			return c, nil
		}
		if now == nil {
			return c, nil
		}
		err = s.Delete(ctx, now, false)
		if changed := new(cluster.ChangedError); !errors.As(err, &changed) || n == maxAttempts {
			return c, err
		}
	}
}

// forget takes what is gone out of the inventory.
func (w Wanted) forget(ctx context.Context, s Store) error {
	stored, err := readInventory(ctx, s, w.Project)
	if err != nil {
		return err
	}
	var gone []entry
	for _, e := range without(with(nil, stored.entries...), w.entries()) {
		now, err := s.Get(ctx, e.kind, e.name)
		if none := new(cluster.NoKindError); errors.As(err, &none) {
			continue // perhaps the cluster has it in another version
		}
		if err != nil {
			return err
		}
		if !w.owns(now) {
			gone = append(gone, e)
		}
	}
	return changeInventory(ctx, s, w.Project, func(entries []entry) []entry { return without(entries, gone) })
}
