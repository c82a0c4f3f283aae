package cluster

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/apply"
)

// ChangedError reports that an object is not as it was read: somebody has changed, created or
// deleted it since.
type ChangedError struct {
	// Lost reports whether that may have been the request itself, because an answer was lost.
	Lost bool
	Err  error
}

// Error implements error.
func (e *ChangedError) Error() string { return e.Err.Error() }

// Unwrap returns the answer of the server.
func (e *ChangedError) Unwrap() error { return e.Err }

// Apply applies an object, and returns what it is then, and whether it was created. With dryRun
// the server only says what it would be. Unless force is set, it fails for fields that other
// field managers have set to other values. If object has a resource version and is another one
// in the cluster, the error is a *ChangedError. If a quota or a policy of the cluster refuses
// the object, it is a *RefusedError.
func (o *Objects) Apply(ctx context.Context, object *unstructured.Unstructured, force, dryRun bool) (applied *unstructured.Unstructured, created bool, err error) {
	kind, name := object.GroupVersionKind(), object.GetName()
	resource, err := o.resource(ctx, kind)
	if err != nil {
		return nil, false, err
	}
	attempts := 0
	applied, err = endure(ctx, o, writing, func() (*unstructured.Unstructured, error) {
		attempts++
		request, err := apply.NewRequest(o.Client.CoreV1().RESTClient(), object.Object)
		if err != nil {
			return nil, err
		}
		request.AbsPath(pathOf(kind.GroupVersion())).NamespaceIfScoped(o.Namespace, resource.Namespaced).Resource(resource.Name).Name(name).
			SetHeader("Accept", "application/json").Param("fieldManager", FieldManager)
		if force {
			request.Param("force", "true")
		}
		if dryRun {
			request.Param("dryRun", metav1.DryRunAll)
		}
		code := 0 // the dynamic client does not return it
		result := request.Do(ctx).StatusCode(&code)
		if err := result.Error(); err != nil { // that of Raw has less
			return nil, asBadRequest(err)
		}
		text, err := result.Raw()
		if err != nil {
			return nil, err
		}
		created = code == http.StatusCreated || created
		applied := &unstructured.Unstructured{}
		return applied, applied.UnmarshalJSON(text)
	})
	if err != nil {
		return nil, false, o.failed(ctx, "apply", kind, name, asChanged(err, attempts))
	}
	// If the answer to the first attempt was lost, that attempt may have created it.
	return applied, created || attempts > 1, nil
}

// Patch changes an object by a JSON merge patch (RFC 7396), and returns what it is then. With dryRun
// the server only says what it would be. If the patch has another resource version than the object
// in the cluster, or the object is gone, the error is a *ChangedError.
func (o *Objects) Patch(ctx context.Context, kind schema.GroupVersionKind, name string, patch []byte, dryRun bool) (*unstructured.Unstructured, error) {
	client, err := o.client(ctx, kind)
	if err != nil {
		return nil, err
	}
	options := metav1.PatchOptions{FieldManager: FieldManager}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	attempts := 0
	patched, err := endure(ctx, o, writing, func() (*unstructured.Unstructured, error) {
		attempts++
		return client.Patch(ctx, name, types.MergePatchType, patch, options)
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, &ChangedError{Lost: attempts > 1, Err: err}
	case err != nil:
		return nil, o.failed(ctx, "apply", kind, name, asChanged(err, attempts))
	}
	return patched, nil
}

// asChanged returns a *ChangedError for the answer that an object is not as it was read. A
// conflict with another field manager is something else, and names the fields.
func asChanged(err error, attempts int) error {
	if apierrors.IsConflict(err) && !OwnedByOthers(err) || apierrors.IsAlreadyExists(err) {
		return &ChangedError{Lost: attempts > 1, Err: err}
	}
	return err
}

// asBadRequest returns err. The API server reports a field that a kind does not have as an internal
// error, which is not worth a retry.
func asBadRequest(err error) error {
	if err != nil && strings.Contains(err.Error(), "failed to create typed patch object") {
		text, _, _ := strings.Cut(err.Error(), ", got &value.") // the value may be a secret
		return apierrors.NewBadRequest(text)
	}
	return err
}

// Create creates an object. If there is one already, the error is a *ChangedError.
func (o *Objects) Create(ctx context.Context, object *unstructured.Unstructured) error {
	client, err := o.client(ctx, object.GroupVersionKind())
	if err != nil {
		return err
	}
	attempts := 0
	_, err = endure(ctx, o, writing, func() (*unstructured.Unstructured, error) {
		attempts++
		return client.Create(ctx, object, metav1.CreateOptions{FieldManager: FieldManager})
	})
	if err != nil {
		return o.failed(ctx, "create", object.GroupVersionKind(), object.GetName(), asChanged(err, attempts))
	}
	return nil
}

// Update replaces an object, and returns what it is then. If the object has another resource
// version in the cluster, or is gone, the error is a *ChangedError.
func (o *Objects) Update(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	client, err := o.client(ctx, object.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	attempts := 0
	updated, err := endure(ctx, o, writing, func() (*unstructured.Unstructured, error) {
		attempts++
		return client.Update(ctx, object, metav1.UpdateOptions{FieldManager: FieldManager})
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, &ChangedError{Lost: attempts > 1, Err: err}
	case err != nil:
		return nil, o.failed(ctx, "put back", object.GroupVersionKind(), object.GetName(), asChanged(err, attempts))
	}
	return updated, nil
}

// Delete deletes an object as it was read, and what it owns. It returns nil if there is none, and
// a *ChangedError if it was changed since. With dryRun the server only says whether it would.
func (o *Objects) Delete(ctx context.Context, object *unstructured.Unstructured, dryRun bool) error {
	client, err := o.client(ctx, object.GroupVersionKind())
	if err != nil {
		return err
	}
	below, uid, version := metav1.DeletePropagationBackground, object.GetUID(), object.GetResourceVersion()
	options := metav1.DeleteOptions{PropagationPolicy: &below, Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &version}}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	attempts := 0
	_, err = endure(ctx, o, writing, func() (any, error) {
		attempts++
		return nil, client.Delete(ctx, object.GetName(), options)
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return o.failed(ctx, "delete", object.GroupVersionKind(), object.GetName(), asChanged(err, attempts))
	}
	return nil
}

// failed returns the error of a request. When the API server rejects a Secret as invalid, its
// message may quote the Secret, so only the reason is kept.
func (o *Objects) failed(ctx context.Context, what string, kind schema.GroupVersionKind, name string, err error) error {
	where := fmt.Sprintf("%s %s %s in namespace %s of cluster %s", what, kind.Kind, name, o.Namespace, o.Name)
	switch {
	case o.homeless(err) != nil:
		return fmt.Errorf("%s %s %s: %w", what, kind.Kind, name, o.homeless(err))
	case apierrors.IsForbidden(err) && what != "get" && o.permits(ctx, what, kind):
		return refusedByPolicy(where, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s: permission denied; these credentials need get and patch on what the manifests name, create for what is new, delete for --prune, and delete and update for --rollback, which slipway doctor prints as a Role: %w", where, err)
	case apierrors.IsInvalid(err) && kind.Group == "" && kind.Kind == "Secret":
		return apierrors.NewBadRequest(fmt.Sprintf("%s: the cluster rejected it as invalid (%s)", where, apierrors.ReasonForError(err)))
	}
	return fmt.Errorf("%s: %w", where, err)
}

// permits reports whether the user has permission for a request that was forbidden.
func (o *Objects) permits(ctx context.Context, what string, kind schema.GroupVersionKind) bool {
	right, err := o.RightOn(ctx, kind)
	if err != nil {
		return false
	}
	verbs := map[string][]string{"apply": {"patch", "create"}, "create": {"create"}, "put back": {"update"}, "delete": {"delete"}}[what]
	return o.Cluster.permits(ctx, right, verbs...)
}
