package manifest

import (
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
	// Replace deletes a finished Job and creates it again.
	Replace Action = "replace"
	Prune   Action = "prune"
	// Leave is what a prune or a rollback leaves as it is.
	Leave Action = "left"
	// RollBack is what a rollback puts back, or deletes.
	RollBack Action = "rolled-back"
)

// Change is what an apply does to one object.
type Change struct {
	Kind   schema.GroupVersionKind
	Name   string
	Action Action
	// Diff shows how the object changes, line by line. Secret values are masked.
	Diff string
	// Reason says why the action is Replace or Leave, in one sentence without a full stop.
	Reason string
	// object is what to apply, or nil for Prune. before is what is in the cluster, or nil. after is
	// what the object is then.
	object, before, after *unstructured.Unstructured
	// unsure reports whether the change may not have been made. shared reports whether somebody else
	// created the object while it was applied.
	unsure, shared bool
}

// String returns the object's kind and name.
func (c Change) String() string { return c.Kind.Kind + " " + c.Name }

// changeOf returns the change of an object from before to after. Both are as the server has
// them. before may be nil.
func (o *Object) changeOf(object, before, after *unstructured.Unstructured) Change {
	c := Change{Kind: object.GroupVersionKind(), Name: object.GetName(), Action: Update, object: object, before: before, after: after}
	old, changed := essence(before), essence(after)
	switch {
	case before == nil:
		c.Action = Create
	case equality.Semantic.DeepEqual(old, changed):
		c.Action = Unchanged
		return c
	}
	mask(c.Kind, old, changed)
	o.hidden.mask(old, changed)
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
	for _, key := range serverKeys {
		unstructured.RemoveNestedField(content, "metadata", key)
	}
	return content
}

// serverKeys are the keys of the metadata that the server writes by itself.
var serverKeys = []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"}

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
