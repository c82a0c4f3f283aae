package manifest

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/secret"
)

// Wanted is what an apply is asked for.
type Wanted struct {
	Project string
	Objects []*Object
	// References are the images by digest, by their names in slipway.yaml.
	References map[string]string
	// Environment has variables for the containers of an image, by the image's name in slipway.yaml.
	Environment map[string]map[string]string
	// Unbuilt has the names of the images whose digest is not known yet.
	Unbuilt map[string]bool
	// Prune deletes what slipway applied for the project and no manifest names.
	Prune bool
	// Force takes fields from other field managers.
	Force bool
	// Pause waits for a duration, or until the context ends.
	Pause func(context.Context, time.Duration) error
}

// object returns an object as it is applied. Its label says for which project. See makeApplicable.
func (w Wanted) object(o *Object) *unstructured.Unstructured {
	object := o.withEnvironment(w.Environment).With(w.References)
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[secret.LabelProject] = w.Project
	object.SetLabels(labels)
	makeApplicable(object)
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
func (w Wanted) entries() []entry {
	var all []entry
	for _, o := range w.Objects {
		all = append(all, entry{o.Kind(), o.Name()})
	}
	return all
}

// isUnbuilt reports whether an object has an image whose digest is not known yet.
func (w Wanted) isUnbuilt(o *Object) bool {
	return slices.ContainsFunc(o.Images(), func(name string) bool { return w.Unbuilt[name] })
}
