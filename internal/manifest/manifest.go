// Package manifest reads the Kubernetes manifests that slipway.yaml names. It turns them into
// objects with positions, in the order in which a cluster can take them.
package manifest

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/source"
)

// ImageScheme begins a text that stands for an image of slipway.yaml, such as slipway://api.
const ImageScheme = config.ImageScheme

// Object is one object of a manifest. Its images are still names, such as slipway://api.
type Object struct {
	source.Position
	object *unstructured.Unstructured
	// uses are the scalars with variables, and hidden is what must not be shown of them.
	uses   []use
	hidden hidden
}

// Kind returns the object's group, version and kind.
func (o *Object) Kind() schema.GroupVersionKind { return o.object.GroupVersionKind() }

// Name returns the object's name.
func (o *Object) Name() string { return o.object.GetName() }

// String returns the object's kind and name, such as Deployment api.
func (o *Object) String() string { return o.object.GetKind() + " " + o.object.GetName() }

// Images returns the names of the images of slipway.yaml that the object uses, sorted.
func (o *Object) Images() []string {
	names := map[string]bool{}
	replace(o.object.Object, func(text string) string {
		if name, isImage := strings.CutPrefix(text, ImageScheme); isImage {
			names[name] = true
		}
		return text
	})
	return slices.Sorted(maps.Keys(names))
}

// With returns a copy of the object with the references of its images, by their names.
func (o *Object) With(references map[string]string) *unstructured.Unstructured {
	made := o.object.DeepCopy()
	replace(made.Object, func(text string) string {
		if name, isImage := strings.CutPrefix(text, ImageScheme); isImage {
			return references[name]
		}
		return text
	})
	return made
}

// replace replaces each text inside of a value, but not the keys of its mappings.
func replace(value any, with func(string) string) any {
	switch x := value.(type) {
	case string:
		return with(x)
	case []any:
		for i := range x {
			x[i] = replace(x[i], with)
		}
	case map[string]any:
		for key := range x {
			x[key] = replace(x[key], with)
		}
	}
	return value
}
