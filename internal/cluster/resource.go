package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/apply"
)

// Object is a typed object of Kubernetes, such as *corev1.Pod.
type Object interface {
	runtime.Object
	metav1.Object
}

// Resource is the client of the objects of one type in one namespace. Its methods are those of
// client-go's typed clients.
type Resource[T Object, L runtime.Object] struct {
	*gentype.ClientWithList[T, L]

	name      string
	api       api
	newObject func() T
}

func newResource[O, OL any, T interface {
	*O
	Object
}, L interface {
	*OL
	runtime.Object
}](a api, name, namespace string) Resource[T, L] {
	newObject := func() T { return new(O) }
	return Resource[T, L]{
		ClientWithList: gentype.NewClientWithList(name, a.rest, a.parameters, namespace, newObject, func() L { return new(OL) }, gentype.PrefersProtobuf[T]()),
		name:           name, api: a, newObject: newObject,
	}
}

// Apply applies an object by server-side apply, and returns it as the server has it then. The
// fields that are not empty are applied, but not the status.
func (r Resource[T, L]) Apply(ctx context.Context, object T, options metav1.ApplyOptions) (applied T, err error) {
	kinds, _, err := r.api.scheme.ObjectKinds(object)
	if err != nil {
		return applied, err
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return applied, fmt.Errorf("convert the %s %s: %w", kinds[0].Kind, object.GetName(), err)
	}
	fields["apiVersion"], fields["kind"] = kinds[0].ToAPIVersionAndKind()
	delete(fields, "status")
	request, err := apply.NewRequest(r.api.rest, fields)
	if err != nil {
		return applied, err
	}
	applied, patch := r.newObject(), options.ToPatchOptions()
	err = request.NamespaceIfScoped(r.GetNamespace(), r.GetNamespace() != "").Resource(r.name).Name(object.GetName()).
		VersionedParams(&patch, r.api.parameters).Do(ctx).Into(applied)
	return applied, err
}

// Pods is the client of the pods in one namespace.
type Pods struct {
	Resource[*corev1.Pod, *corev1.PodList]
}

// GetLogs returns the request for the log of a pod.
func (p Pods) GetLogs(name string, options *corev1.PodLogOptions) *rest.Request {
	return p.GetClient().Get().Namespace(p.GetNamespace()).Resource("pods").Name(name).SubResource("log").VersionedParams(options, p.api.parameters)
}
