package manifest

import (
	"context"
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/secret"
)

// planPrune returns what Prune deletes: what is in the inventory, still belongs to the
// project, and is in no manifest. It leaves claims, whose data would be lost, and objects of
// no namespace, which other environments of the project may use.
func (w Wanted) planPrune(ctx context.Context, s Store) ([]Change, error) {
	if !w.Prune {
		return nil, nil
	}
	applied, err := readInventory(ctx, s, w.Project)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, e := range slices.Backward(applied.without(w.entries())) {
		before, err := s.Get(ctx, e.kind, e.name)
		switch none := new(cluster.NoKindError); {
		case errors.As(err, &none):
			continue // its CustomResourceDefinition is gone, and all of its objects
		case err != nil:
			return nil, err
		case !w.owns(before) || before.GetNamespace() == "" || e.kind.Kind == "PersistentVolumeClaim":
			continue
		}
		changes = append(changes, Change{Kind: e.kind, Name: e.name, Action: Prune, before: before})
	}
	return changes, nil
}

// owns reports whether an object, which may be nil, was applied for the project and is not
// being deleted.
func (w Wanted) owns(object *unstructured.Unstructured) bool {
	return object != nil && object.GetLabels()[secret.LabelProject] == w.Project && object.GetDeletionTimestamp() == nil
}

// DeletePruned deletes what Plan found to prune, unless it was replaced since.
func DeletePruned(ctx context.Context, s Store, w Wanted, changes []Change) error {
	if !w.Prune {
		return nil
	}
	for _, c := range changes {
		if c.Action != Prune {
			continue
		}
		now, err := s.Get(ctx, c.Kind, c.Name)
		if err != nil {
			return err
		}
		if w.owns(now) && now.GetUID() == c.before.GetUID() {
			if err := s.Delete(ctx, c.Kind, c.Name); err != nil {
				return err
			}
		}
	}
	return w.forget(ctx, s)
}

// forget takes what is gone out of the inventory.
func (w Wanted) forget(ctx context.Context, s Store) error {
	stored, err := readInventory(ctx, s, w.Project)
	if err != nil {
		return err
	}
	var gone inventory
	for _, e := range stored.without(w.entries()) {
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
	if len(gone) == 0 {
		return nil
	}
	return stored.without(gone).write(ctx, s, w.Project)
}
