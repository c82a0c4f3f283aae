package manifest

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Store holds the objects of a namespace, and those of no namespace. Its errors are those of
// the API server, a *cluster.NoKindError or a *cluster.RefusedError. The error of a write is a
// *cluster.ChangedError if the object is not the one that was read.
type Store interface {
	// Get returns an object, or nil if there is none.
	Get(ctx context.Context, kind schema.GroupVersionKind, name string) (*unstructured.Unstructured, error)
	// Apply applies an object by server-side apply, and returns what it is then, and whether it
	// was created. With dryRun the server only says what it would be. Unless force is set, it
	// fails for fields that other field managers have set to other values. If the object has a
	// resource version, it must be the one in the cluster.
	Apply(ctx context.Context, object *unstructured.Unstructured, force, dryRun bool) (applied *unstructured.Unstructured, created bool, err error)
	// Patch changes an object by a JSON merge patch (RFC 7396), and returns what it is then. With
	// dryRun the server only says what it would be. If the patch has a resource version, it must be
	// the one in the cluster.
	Patch(ctx context.Context, kind schema.GroupVersionKind, name string, patch []byte, dryRun bool) (*unstructured.Unstructured, error)
	// Create creates an object. There must be none yet.
	Create(ctx context.Context, object *unstructured.Unstructured) error
	// Update replaces an object, and its field managers, and returns what it is then. Its resource
	// version must be the one in the cluster.
	Update(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error)
	// Delete deletes an object, which must be as it was read. It returns nil if there is none. With
	// dryRun the server only says whether it would.
	Delete(ctx context.Context, object *unstructured.Unstructured, dryRun bool) error
}
