package manifest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/source"
)

// An object that kubectl apply has applied on the client side has a field manager that server-side
// apply takes for somebody else. So the fields that the manifest leaves out would stay
// (github.com/kubernetes/kubernetes/issues/99003).

// LeftOutError reports that a manifest leaves out fields that another field manager has applied on
// the client side.
type LeftOutError struct {
	Manager string
	// Paths are the paths of the fields, such as .spec.replicas.
	Paths []string
}

// Error implements error.
func (e *LeftOutError) Error() string {
	return fmt.Sprintf("the manifest leaves out what %q has applied: %s", e.Manager, source.ShortenList(e.Paths, 5))
}

// clientSide returns the field managers that have applied an object on the client side: each keeps
// what it applied in an annotation.
func clientSide(object *unstructured.Unstructured) []metav1.ManagedFieldsEntry {
	annotation := fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "annotations", lastApplied))
	return csaupgrade.FindFieldsOwners(object.GetManagedFields(), metav1.ManagedFieldsOperationUpdate, annotation)
}

// leaveOut returns what an object is once slipway has taken over what was applied on the client
// side. after is the object as an apply would leave it. Unless w.Force is set, the error is a
// *LeftOutError if the manifest leaves out what was applied.
func (w Wanted) leaveOut(ctx context.Context, s Store, o *Object, before, after *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	managers := clientSide(after)
	if before == nil || len(managers) == 0 {
		return after, nil
	}
	own, others, err := fieldSets(after, managers)
	if err != nil {
		return nil, err
	}
	left := leftOut(after, own, others)
	switch {
	case len(left) == 0 && !w.Force:
		return after, nil
	case !w.Force:
		return nil, &LeftOutError{Manager: managers[0].Manager, Paths: left}
	}
	target := after.DeepCopy()
	withoutFields(target.Object, own, others)
	patch, err := patchTo(before, target)
	if err != nil {
		return nil, err
	}
	return s.Patch(ctx, o.Kind(), o.Name(), patch, true)
}

// leftOut returns the paths of the fields that were applied on the client side, and that the
// manifest leaves out. Fields that the server has set to their defaults are not among them.
func leftOut(object *unstructured.Unstructured, own, others *fieldpath.Set) (paths []string) {
	var applied map[string]any
	if json.Unmarshal([]byte(object.GetAnnotations()[lastApplied]), &applied) != nil {
		return nil // somebody else has written the annotation
	}
	if annotations, _, _ := unstructured.NestedMap(applied, "metadata", "annotations"); len(annotations) == 0 {
		unstructured.RemoveNestedField(applied, "metadata", "annotations") // kubectl adds the empty mapping
	}
	for _, path := range ownPaths(own, others) {
		if hasField(applied, path) {
			paths = append(paths, path.String())
		}
	}
	return paths
}

// patchTo returns a merge patch that changes what is not the server's own in an object.
func patchTo(before, target *unstructured.Unstructured) ([]byte, error) {
	old, err := json.Marshal(essence(before))
	if err != nil {
		return nil, err
	}
	changed, err := json.Marshal(essence(target))
	if err != nil {
		return nil, err
	}
	return jsonmergepatch.CreateThreeWayJSONMergePatch(old, changed, old)
}

// takeOver makes slipway the field manager of what was applied on the client side, so that its next
// apply deletes what the manifest leaves out. It returns the object as it is then.
func takeOver(ctx context.Context, s Store, now *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	names := sets.New[string]()
	for _, e := range clientSide(now) {
		names.Insert(e.Manager)
	}
	if len(names) == 0 {
		return now, nil
	}
	taken := now.DeepCopy()
	if err := csaupgrade.UpgradeManagedFields(taken, names, cluster.FieldManager); err != nil {
		return nil, fmt.Errorf("take over the fields of %s: %w", strings.Join(sets.List(names), ", "), err)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"managedFields": taken.GetManagedFields(), "resourceVersion": now.GetResourceVersion()}})
	if err != nil {
		return nil, err
	}
	return s.Patch(ctx, now.GroupVersionKind(), now.GetName(), patch, false)
}
