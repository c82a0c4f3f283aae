package manifest

import (
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// managed returns what a field manager has set by an operation, or nil.
func managed(entries []metav1.ManagedFieldsEntry, by metav1.ManagedFieldsEntry) *metav1.ManagedFieldsEntry {
	n := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == by.Manager && e.Operation == by.Operation && e.Subresource == by.Subresource
	})
	if n < 0 {
		return nil
	}
	return &entries[n]
}

// The field managers of slipway: of what it applies, and of what it puts back.
var (
	applies  = metav1.ManagedFieldsEntry{Manager: cluster.FieldManager, Operation: metav1.ManagedFieldsOperationApply}
	putsBack = metav1.ManagedFieldsEntry{Manager: cluster.FieldManager, Operation: metav1.ManagedFieldsOperationUpdate}
)

// asApplied reports whether an object is still as an apply has left it: no other apply of slipway
// has changed it since, and nobody has set one of the fields that slipway has set, apart from the
// replicas. Unless exact is set, the time of the apply is not compared.
func asApplied(after, now *unstructured.Unstructured, exact bool) bool {
	made, is := managed(after.GetManagedFields(), applies), managed(now.GetManagedFields(), applies)
	if made == nil || is == nil {
		return made == nil && (is == nil || !exact) // a dry run of what its namespace or its kind lacked knows no fields
	}
	return (!exact || made.Time.Equal(is.Time)) && equality.Semantic.DeepEqual(fieldsOf(made), fieldsOf(is))
}

// sameValues reports whether what a manifest sets has the same values after an apply and now, apart
// from the replicas. The time of an apply is in seconds, so another one may have the same.
func sameValues(set, after, now map[string]any) bool {
	for key, value := range set {
		below, isMapping := value.(map[string]any)
		was, _ := after[key].(map[string]any)
		is, _ := now[key].(map[string]any)
		switch {
		case key == "replicas", key == "status":
		case isMapping && !sameValues(below, was, is), !isMapping && !equality.Semantic.DeepEqual(after[key], now[key]):
			return false
		}
	}
	return true
}

// fieldsOf returns the fields of an entry, apart from the replicas.
func fieldsOf(e *metav1.ManagedFieldsEntry) map[string]any {
	var fields map[string]any
	if e.FieldsV1 == nil || json.Unmarshal(e.FieldsV1.Raw, &fields) != nil {
		return nil
	}
	unstructured.RemoveNestedField(fields, "f:spec", "f:replicas")
	return fields
}

// fieldManagersBefore returns the field managers of an object that was put back. before, after and
// now are those before the apply, after it and before the object was put back, and back those after
// that. Who has not changed meanwhile has the fields that he had before the apply.
func fieldManagersBefore(before, after, now, back []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	var all []metav1.ManagedFieldsEntry
	same := func(e metav1.ManagedFieldsEntry) bool {
		return equality.Semantic.DeepEqual(managed(after, e), managed(now, e))
	}
	for _, e := range back {
		had := managed(before, e)
		switch {
		case e.Manager == putsBack.Manager && e.Operation == putsBack.Operation && e.Subresource == "" && had == nil:
		case had != nil && same(e):
			all = append(all, *had)
		case had == nil && managed(after, e) != nil && same(e): // the apply had added it
		default:
			all = append(all, e)
		}
	}
	for _, e := range before { // the apply had taken all of its fields
		if managed(back, e) == nil && same(e) {
			all = append(all, e)
		}
	}
	return all
}
