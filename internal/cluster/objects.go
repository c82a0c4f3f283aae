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
	"k8s.io/client-go/dynamic"

	"github.com/slipway-ci/slipway/internal/source"
)

// Objects has the objects of any kind: those of the namespace, and those of no namespace.
type Objects struct {
	*Cluster
	// Patience, if it is not nil, says how to go on while the API server is away.
	Patience *Patience

	objects dynamic.Interface

	mu    sync.Mutex
	known map[schema.GroupVersion][]metav1.APIResource
}

// Objects returns access to objects of any kind. It sends no request.
func (c *Cluster) Objects() (*Objects, error) {
	objects, err := dynamic.NewForConfigAndClient(c.patient, c.carrier)
	if err != nil {
		return nil, fmt.Errorf("access cluster %s: %w", c.Name, err)
	}
	return &Objects{Cluster: c, objects: objects, known: map[schema.GroupVersion][]metav1.APIResource{}}, nil
}

// NoKindError reports that a cluster has no objects of a kind.
type NoKindError struct {
	Kind    schema.GroupVersionKind
	Cluster string
	// Similar is a kind of the same group and version with a similar name, or "".
	Similar string
	// Usual is the group and version that Kubernetes has the kind in, or "" if it is not another.
	Usual string
}

// Error implements error. It suggests Usual or Similar.
func (e *NoKindError) Error() string {
	text := fmt.Sprintf("cluster %s has no kind %s of %s", e.Cluster, e.Kind.Kind, e.Kind.GroupVersion())
	switch {
	case e.Usual != "":
		text += ": did you mean apiVersion: " + e.Usual + "?"
	case e.Similar != "":
		text += ": did you mean " + e.Similar + "?"
	}
	return text
}

// usualGroups are the groups and versions of kinds whose manifests often name another one: none, or
// one of the beta versions that Kubernetes has removed (kubernetes.io/docs/reference/using-api/deprecation-guide).
var usualGroups = map[string]string{
	"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1",
	"Job": "batch/v1", "CronJob": "batch/v1", "Ingress": "networking.k8s.io/v1", "NetworkPolicy": "networking.k8s.io/v1",
	"HorizontalPodAutoscaler": "autoscaling/v2", "PodDisruptionBudget": "policy/v1", "StorageClass": "storage.k8s.io/v1",
	"Role": "rbac.authorization.k8s.io/v1", "RoleBinding": "rbac.authorization.k8s.io/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1",
	"Service": "v1", "ConfigMap": "v1", "Secret": "v1", "Pod": "v1", "PersistentVolumeClaim": "v1", "ServiceAccount": "v1",
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
		switch r := &resources[i]; {
		case strings.Contains(r.Name, "/"): // a subresource
		case r.Kind == kind.Kind:
			return r, nil
		default:
			kinds = append(kinds, r.Kind)
		}
	}
	none := &NoKindError{Kind: kind, Cluster: o.Name}
	none.Similar, _ = source.Nearest(kind.Kind, kinds)
	if usual := usualGroups[kind.Kind]; usual != kind.GroupVersion().String() {
		none.Usual = usual
	}
	return nil, none
}

// HasStatus reports whether objects of a kind have a status that only a controller writes (a
// status subresource). The error is a *NoKindError if the cluster does not have the kind.
func (o *Objects) HasStatus(ctx context.Context, kind schema.GroupVersionKind) (bool, error) {
	resource, err := o.resource(ctx, kind)
	if err != nil {
		return false, err
	}
	all, err := o.resources(ctx, kind)
	return slices.ContainsFunc(all, func(r metav1.APIResource) bool { return r.Name == resource.Name+"/status" }), err
}

// resources returns the resources of the group and version of a kind, with subresources. It
// remembers them, and asks again if the kind was not among them: a CustomResourceDefinition
// may have added it.
func (o *Objects) resources(ctx context.Context, kind schema.GroupVersionKind) ([]metav1.APIResource, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	version := kind.GroupVersion()
	if known := o.known[version]; slices.ContainsFunc(known, func(r metav1.APIResource) bool { return r.Kind == kind.Kind }) {
		return known, nil
	}
	list, err := endure(ctx, o, reading, func() (*metav1.APIResourceList, error) {
		list := &metav1.APIResourceList{} // client-go's method for it has no context
		return list, o.Client.CoreV1().RESTClient().Get().AbsPath(pathOf(version)).Do(ctx).Into(list)
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("ask cluster %s for the kinds of %s: %w", o.Name, version, err)
	}
	o.known[version] = list.APIResources
	return o.known[version], nil
}

// pathOf returns the path of a group and version.
func pathOf(version schema.GroupVersion) string {
	if version.Group == "" {
		return "/api/" + version.Version
	}
	return "/apis/" + version.String()
}

// Get returns an object, or nil if there is none.
func (o *Objects) Get(ctx context.Context, kind schema.GroupVersionKind, name string) (*unstructured.Unstructured, error) {
	client, err := o.client(ctx, kind)
	if err != nil {
		return nil, err
	}
	found, err := endure(ctx, o, reading, func() (*unstructured.Unstructured, error) { return client.Get(ctx, name, metav1.GetOptions{}) })
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, o.failed(ctx, "get", kind, name, err)
	}
	return found, nil
}
