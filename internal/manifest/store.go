package manifest

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Store holds the objects of a namespace, and those of no namespace. Its errors are those of
// the API server, or a *cluster.NoKindError.
type Store interface {
	// Get returns an object, or nil if there is none.
	Get(ctx context.Context, kind schema.GroupVersionKind, name string) (*unstructured.Unstructured, error)
	// Apply applies an object by server-side apply, and returns what it is then. With dryRun the
	// server only says what it would be. Unless force is set, it fails for fields that other
	// field managers have set to other values.
	Apply(ctx context.Context, object *unstructured.Unstructured, force, dryRun bool) (*unstructured.Unstructured, error)
	// Replace puts an object back into the state that Get returned earlier, with the fields of
	// each field manager.
	Replace(ctx context.Context, before *unstructured.Unstructured) error
	// Delete deletes an object. It returns nil if there is none.
	Delete(ctx context.Context, kind schema.GroupVersionKind, name string) error
}
