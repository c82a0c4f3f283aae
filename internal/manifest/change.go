package manifest

import (
	"maps"

	"github.com/rogpeppe/go-internal/diff"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kyaml "sigs.k8s.io/yaml"
)

// Action is what an apply does to an object.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Unchanged Action = "unchanged"
	Prune     Action = "prune"
)

// Change is what an apply does to one object.
type Change struct {
	Kind   schema.GroupVersionKind
	Name   string
	Action Action
	// Diff shows how the object changes, line by line. Values of Secrets are masked.
	Diff string
	// object is what to apply, or nil for Prune. before is what is in the cluster, or nil.
	object, before *unstructured.Unstructured
}

// String returns the object's kind and name.
func (c Change) String() string { return c.Kind.Kind + " " + c.Name }

// changeOf returns the change of an object from before to after. Both are as the server has
// them. before may be nil.
func changeOf(object, before, after *unstructured.Unstructured) Change {
	c := Change{Kind: object.GroupVersionKind(), Name: object.GetName(), Action: Update, object: object, before: before}
	old, changed := essence(before), essence(after)
	switch {
	case before == nil:
		c.Action = Create
	case equality.Semantic.DeepEqual(old, changed):
		c.Action = Unchanged
		return c
	}
	mask(c.Kind, old, changed)
	c.Diff = string(diff.Diff("cluster", yamlOf(old), "manifest", yamlOf(changed)))
	return c
}

// essence returns a copy of an object without what the server writes by itself.
func essence(object *unstructured.Unstructured) map[string]any {
	if object == nil {
		return nil
	}
	content := object.DeepCopy().Object
	delete(content, "status")
	for _, key := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"} {
		unstructured.RemoveNestedField(content, "metadata", key)
	}
	return content
}

// yamlOf returns an object as YAML, or nothing for none.
func yamlOf(content map[string]any) []byte {
	if content == nil {
		return nil
	}
	text, err := kyaml.Marshal(content)
	if err != nil {
		return nil // plain values always encode
	}
	return text
}

// masked stands in a diff for the value of a Secret, and changedValue for one that changes.
const masked, changedValue = "***", "*** (changed)"

// mask hides the values of a Secret. What changes is marked. The annotation in which kubectl
// keeps what it applied has the values, too.
func mask(kind schema.GroupVersionKind, before, after map[string]any) {
	if kind.Group != "" || kind.Kind != "Secret" {
		return
	}
	for _, path := range [][]string{{"data"}, {"stringData"}, {"metadata", "annotations"}} {
		old, _, _ := unstructured.NestedMap(before, path...)
		changed, _, _ := unstructured.NestedMap(after, path...)
		was := maps.Clone(old)
		for _, side := range []struct{ object, values map[string]any }{{before, old}, {after, changed}} {
			for key, value := range side.values {
				if path[0] == "metadata" && key != lastApplied {
					continue
				}
				side.values[key] = masked
				if last, had := was[key]; had && last != value {
					side.values[key] = changedValue
				}
			}
			if len(side.values) > 0 {
				_ = unstructured.SetNestedMap(side.object, side.values, path...) // the mapping is there
			}
		}
	}
}

// lastApplied is the annotation in which kubectl keeps an object as it was applied.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
