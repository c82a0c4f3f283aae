package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/source"
)

// Objects has the objects of any kind: those of the namespace, and those of no namespace.
type Objects struct {
	*Cluster
	objects dynamic.Interface
	kinds   rest.Interface

	mu    sync.Mutex
	known map[schema.GroupVersion][]metav1.APIResource
}

// Objects returns access to objects of any kind. It sends no request.
func (c *Cluster) Objects() (*Objects, error) {
	carrier, err := rest.HTTPClientFor(c.patient)
	if err != nil {
		return nil, fmt.Errorf("access cluster %s: %w", c.Name, err)
	}
	objects, err := dynamic.NewForConfigAndClient(c.patient, carrier)
	if err != nil {
		return nil, fmt.Errorf("access cluster %s: %w", c.Name, err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfigAndClient(c.patient, carrier)
	if err != nil {
		return nil, fmt.Errorf("access cluster %s: %w", c.Name, err)
	}
	return &Objects{Cluster: c, objects: objects, kinds: kinds.RESTClient(), known: map[schema.GroupVersion][]metav1.APIResource{}}, nil
}

// NoKindError reports that a cluster has no objects of a kind.
type NoKindError struct {
	Kind    schema.GroupVersionKind
	Cluster string
	// Similar is a kind of the same group and version with a similar name, or "".
	Similar string
}

// Error implements error. It suggests Similar.
func (e *NoKindError) Error() string {
	text := fmt.Sprintf("cluster %s has no kind %s of %s", e.Cluster, e.Kind.Kind, e.Kind.GroupVersion())
	if e.Similar != "" {
		text += ": did you mean " + e.Similar + "?"
	}
	return text
}

// client returns the client for objects of a kind. The error is a *NoKindError if the
// cluster does not have the kind.
func (o *Objects) client(ctx context.Context, kind schema.GroupVersionKind) (dynamic.ResourceInterface, error) {
	r, err := o.resource(ctx, kind)
	if err != nil {
		return nil, err
	}
	all := o.objects.Resource(kind.GroupVersion().WithResource(r.Name))
	if r.Namespaced {
		return all.Namespace(o.Namespace), nil
	}
	return all, nil
}

// RightOn returns a right on the objects of a kind, without its verb. The error is a
// *NoKindError if the cluster does not have the kind.
func (o *Objects) RightOn(ctx context.Context, kind schema.GroupVersionKind) (Right, error) {
	r, err := o.resource(ctx, kind)
	if err != nil {
		return Right{}, err
	}
	return Right{Group: kind.Group, Resource: r.Name, Everywhere: !r.Namespaced}, nil
}

// resource returns the resource of a kind. The error is a *NoKindError if the cluster does
// not have the kind.
func (o *Objects) resource(ctx context.Context, kind schema.GroupVersionKind) (*metav1.APIResource, error) {
	resources, err := o.resources(ctx, kind)
	if err != nil {
		return nil, err
	}
	var kinds []string
	for i := range resources {
		if resources[i].Kind == kind.Kind {
			return &resources[i], nil
		}
		kinds = append(kinds, resources[i].Kind)
	}
	none := &NoKindError{Kind: kind, Cluster: o.Name}
	none.Similar, _ = source.Nearest(kind.Kind, kinds)
	return nil, none
}

// resources returns the resources of the group and version of a kind, without subresources. It
// remembers them, and asks again if the kind was not among them: a CustomResourceDefinition
// may have added it.
func (o *Objects) resources(ctx context.Context, kind schema.GroupVersionKind) ([]metav1.APIResource, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	version := kind.GroupVersion()
	if known := o.known[version]; slices.ContainsFunc(known, func(r metav1.APIResource) bool { return r.Kind == kind.Kind }) {
		return known, nil
	}
	path := "/apis/" + version.String() // client-go's method for it has no context
	if version.Group == "" {
		path = "/api/" + version.Version
	}
	list, err := retry(ctx, o.Cluster, func() (*metav1.APIResourceList, error) {
		list := &metav1.APIResourceList{}
		return list, o.kinds.Get().AbsPath(path).Do(ctx).Into(list)
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("ask cluster %s for the kinds of %s: %w", o.Name, version, err)
	}
	o.known[version] = slices.DeleteFunc(list.APIResources, func(r metav1.APIResource) bool { return strings.Contains(r.Name, "/") })
	return o.known[version], nil
}

// Get returns an object, or nil if there is none.
func (o *Objects) Get(ctx context.Context, kind schema.GroupVersionKind, name string) (*unstructured.Unstructured, error) {
	client, err := o.client(ctx, kind)
	if err != nil {
		return nil, err
	}
	found, err := retry(ctx, o.Cluster, func() (*unstructured.Unstructured, error) { return client.Get(ctx, name, metav1.GetOptions{}) })
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, o.failed("get", kind, name, err)
	}
	return found, nil
}

// Apply applies an object, and returns what it is then. With dryRun the server only says what
// it would be. Unless force is set, it fails for fields that other field managers have set to
// other values.
func (o *Objects) Apply(ctx context.Context, object *unstructured.Unstructured, force, dryRun bool) (*unstructured.Unstructured, error) {
	kind, name := object.GroupVersionKind(), object.GetName()
	client, err := o.client(ctx, kind)
	if err != nil {
		return nil, err
	}
	options := metav1.ApplyOptions{FieldManager: FieldManager, Force: force}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	applied, err := retry(ctx, o.Cluster, func() (*unstructured.Unstructured, error) {
		applied, err := client.Apply(ctx, name, object, options)
		return applied, asBadRequest(err)
	})
	if err != nil {
		return nil, o.failed("apply", kind, name, err)
	}
	return applied, nil
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

// Replace puts an object back into the state that Get returned earlier, with the fields of each
// field manager. Its status stays as it is.
func (o *Objects) Replace(ctx context.Context, before *unstructured.Unstructured) error {
	kind, name := before.GroupVersionKind(), before.GetName()
	client, err := o.client(ctx, kind)
	if err != nil {
		return err
	}
	// The API server gives fields that a request changes to the field manager of the request. The
	// second request changes none, and gives them back to those who had them.
	for range 2 {
		if _, err = retry(ctx, o.Cluster, func() (*unstructured.Unstructured, error) { return replace(ctx, client, before) }); err != nil {
			return o.failed("put back", kind, name, err)
		}
	}
	return nil
}

// replace sends an object as it was. Controllers write to it as well, so it tries again when
// one of them was faster.
func replace(ctx context.Context, client dynamic.ResourceInterface, before *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	for n := 1; ; n++ {
		current, err := client.Get(ctx, before.GetName(), metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		object := before.DeepCopy()
		object.SetResourceVersion(current.GetResourceVersion())
		replaced, err := client.Update(ctx, object, metav1.UpdateOptions{FieldManager: FieldManager})
		if err == nil || !apierrors.IsConflict(err) || n == maxAttempts {
			return replaced, err
		}
	}
}

// Delete deletes an object, and what it owns. It returns nil if there is none.
func (o *Objects) Delete(ctx context.Context, kind schema.GroupVersionKind, name string) error {
	client, err := o.client(ctx, kind)
	if err != nil {
		return err
	}
	below := metav1.DeletePropagationBackground
	_, err = retry(ctx, o.Cluster, func() (any, error) {
		return nil, client.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &below})
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return o.failed("delete", kind, name, err)
	}
	return nil
}

// failed returns the error of a request. When the API server rejects a Secret as invalid, its
// message may quote the Secret, so only the reason is kept.
func (o *Objects) failed(what string, kind schema.GroupVersionKind, name string, err error) error {
	where := fmt.Sprintf("%s %s %s in namespace %s of cluster %s", what, kind.Kind, name, o.Namespace, o.Name)
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s: permission denied; these credentials need get and patch on what the manifests name, create for what is new, and delete for --prune: %w", where, err)
	case apierrors.IsInvalid(err) && kind.Group == "" && kind.Kind == "Secret":
		return apierrors.NewBadRequest(fmt.Sprintf("%s: the cluster rejected it as invalid (%s)", where, apierrors.ReasonForError(err)))
	}
	return fmt.Errorf("%s: %w", where, err)
}
