package cluster

import (
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// owners returns the fields of an object that slipway owns because it has applied them, and
// the fields of other field managers with the managers' names. The fields are written as
// in the messages of the API server, such as .data.token. own is nil if the object does not
// say who owns its fields.
func owners(managed []metav1.ManagedFieldsEntry) (own map[string]bool, others map[string][]string) {
	if len(managed) == 0 {
		return nil, nil
	}
	own, others = map[string]bool{}, map[string][]string{}
	for _, entry := range managed {
		var fields map[string]any
		if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.Raw, &fields) != nil {
			continue
		}
		for _, field := range leaves("", fields) {
			switch {
			case entry.Manager == FieldManager && entry.Operation == metav1.ManagedFieldsOperationApply:
				own[field] = true
			case !slices.Contains(others[field], entry.Manager):
				others[field] = append(others[field], entry.Manager)
			}
		}
	}
	return own, others
}

// leaves returns the paths of the fields in a set of FieldsV1 that have no fields below
// them.
func leaves(path string, fields map[string]any) []string {
	var all []string
	for key, below := range fields {
		name, isField := strings.CutPrefix(key, "f:")
		if !isField {
			continue // the field itself, or an element of a list
		}
		inner, _ := below.(map[string]any)
		deeper := leaves(path+"."+name, inner)
		if len(deeper) == 0 {
			deeper = []string{path + "." + name}
		}
		all = append(all, deeper...)
	}
	return all
}
