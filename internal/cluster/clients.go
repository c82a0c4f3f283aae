package cluster

import (
	"net/http"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/scheme"
)

// Clients has the clients of the resources that slipway uses, named as in client-go's
// kubernetes.Interface. The binary does without that, because it has clients and types of all
// groups.
type Clients struct {
	core, apps, authentication, authorization api
}

// api is the access to one group of the API.
type api struct {
	rest       rest.Interface
	scheme     *runtime.Scheme
	parameters runtime.ParameterCodec
}

func newClients(config *rest.Config, carrier *http.Client) (_ *Clients, err error) {
	types, clients := scheme.New(), &Clients{}
	for group, client := range map[schema.GroupVersion]*api{
		corev1.SchemeGroupVersion: &clients.core, appsv1.SchemeGroupVersion: &clients.apps,
		authenticationv1.SchemeGroupVersion: &clients.authentication, authorizationv1.SchemeGroupVersion: &clients.authorization,
	} {
		if *client, err = newAPI(config, carrier, types, group); err != nil {
			return nil, err
		}
	}
	return clients, nil
}

func newAPI(config *rest.Config, carrier *http.Client, types *runtime.Scheme, group schema.GroupVersion) (api, error) {
	own := rest.CopyConfig(config)
	own.GroupVersion, own.APIPath = &group, "/apis"
	if group.Group == "" {
		own.APIPath = "/api"
	}
	own.NegotiatedSerializer = rest.CodecFactoryForGeneratedClient(types, serializer.NewCodecFactory(types)).WithoutConversion()
	client, err := rest.RESTClientForConfigAndClient(own, carrier)
	return api{client, types, runtime.NewParameterCodec(types)}, err
}

// Core has the clients of the group core.
type Core struct{ api }

// CoreV1 returns the clients of the group core.
func (c *Clients) CoreV1() Core { return Core{c.core} }

// RESTClient returns the client for other requests than those for a typed object.
func (c Core) RESTClient() rest.Interface { return c.rest }

// Pods returns the client of the pods in a namespace. All namespaces are "".
func (c Core) Pods(namespace string) Pods {
	return Pods{newResource[corev1.Pod, corev1.PodList](c.api, "pods", namespace)}
}

// Secrets returns the client of the secrets in a namespace.
func (c Core) Secrets(namespace string) Resource[*corev1.Secret, *corev1.SecretList] {
	return newResource[corev1.Secret, corev1.SecretList](c.api, "secrets", namespace)
}

// ConfigMaps returns the client of the config maps in a namespace.
func (c Core) ConfigMaps(namespace string) Resource[*corev1.ConfigMap, *corev1.ConfigMapList] {
	return newResource[corev1.ConfigMap, corev1.ConfigMapList](c.api, "configmaps", namespace)
}

// Services returns the client of the services in a namespace.
func (c Core) Services(namespace string) Resource[*corev1.Service, *corev1.ServiceList] {
	return newResource[corev1.Service, corev1.ServiceList](c.api, "services", namespace)
}

// Events returns the client of the events in a namespace.
func (c Core) Events(namespace string) Resource[*corev1.Event, *corev1.EventList] {
	return newResource[corev1.Event, corev1.EventList](c.api, "events", namespace)
}

// ResourceQuotas returns the client of the quotas of a namespace.
func (c Core) ResourceQuotas(namespace string) Resource[*corev1.ResourceQuota, *corev1.ResourceQuotaList] {
	return newResource[corev1.ResourceQuota, corev1.ResourceQuotaList](c.api, "resourcequotas", namespace)
}

// LimitRanges returns the client of the limit ranges of a namespace.
func (c Core) LimitRanges(namespace string) Resource[*corev1.LimitRange, *corev1.LimitRangeList] {
	return newResource[corev1.LimitRange, corev1.LimitRangeList](c.api, "limitranges", namespace)
}

// PersistentVolumeClaims returns the client of the volume claims in a namespace.
func (c Core) PersistentVolumeClaims(namespace string) Resource[*corev1.PersistentVolumeClaim, *corev1.PersistentVolumeClaimList] {
	return newResource[corev1.PersistentVolumeClaim, corev1.PersistentVolumeClaimList](c.api, "persistentvolumeclaims", namespace)
}

// PersistentVolumes returns the client of the cluster's volumes.
func (c Core) PersistentVolumes() Resource[*corev1.PersistentVolume, *corev1.PersistentVolumeList] {
	return newResource[corev1.PersistentVolume, corev1.PersistentVolumeList](c.api, "persistentvolumes", "")
}

// Namespaces returns the client of the cluster's namespaces.
func (c Core) Namespaces() Resource[*corev1.Namespace, *corev1.NamespaceList] {
	return newResource[corev1.Namespace, corev1.NamespaceList](c.api, "namespaces", "")
}

// Nodes returns the client of the cluster's nodes.
func (c Core) Nodes() Resource[*corev1.Node, *corev1.NodeList] {
	return newResource[corev1.Node, corev1.NodeList](c.api, "nodes", "")
}

// Apps has the clients of the group apps.
type Apps struct{ api }

// AppsV1 returns the clients of the group apps.
func (c *Clients) AppsV1() Apps { return Apps{c.apps} }

// Deployments returns the client of the Deployments in a namespace.
func (a Apps) Deployments(namespace string) Resource[*appsv1.Deployment, *appsv1.DeploymentList] {
	return newResource[appsv1.Deployment, appsv1.DeploymentList](a.api, "deployments", namespace)
}

// ReplicaSets returns the client of the ReplicaSets in a namespace.
func (a Apps) ReplicaSets(namespace string) Resource[*appsv1.ReplicaSet, *appsv1.ReplicaSetList] {
	return newResource[appsv1.ReplicaSet, appsv1.ReplicaSetList](a.api, "replicasets", namespace)
}

// StatefulSets returns the client of the StatefulSets in a namespace.
func (a Apps) StatefulSets(namespace string) Resource[*appsv1.StatefulSet, *appsv1.StatefulSetList] {
	return newResource[appsv1.StatefulSet, appsv1.StatefulSetList](a.api, "statefulsets", namespace)
}

// DaemonSets returns the client of the DaemonSets in a namespace.
func (a Apps) DaemonSets(namespace string) Resource[*appsv1.DaemonSet, *appsv1.DaemonSetList] {
	return newResource[appsv1.DaemonSet, appsv1.DaemonSetList](a.api, "daemonsets", namespace)
}

// Authentication has the clients of the group authentication.k8s.io.
type Authentication struct{ api }

// AuthenticationV1 returns the clients of the group authentication.k8s.io.
func (c *Clients) AuthenticationV1() Authentication { return Authentication{c.authentication} }

// SelfSubjectReviews returns the client that asks who the user is.
func (a Authentication) SelfSubjectReviews() *gentype.Client[*authenticationv1.SelfSubjectReview] {
	return review[authenticationv1.SelfSubjectReview](a.api, "selfsubjectreviews")
}

// Authorization has the clients of the group authorization.k8s.io.
type Authorization struct{ api }

// AuthorizationV1 returns the clients of the group authorization.k8s.io.
func (c *Clients) AuthorizationV1() Authorization { return Authorization{c.authorization} }

// SelfSubjectAccessReviews returns the client that asks whether the user may do one thing.
func (a Authorization) SelfSubjectAccessReviews() *gentype.Client[*authorizationv1.SelfSubjectAccessReview] {
	return review[authorizationv1.SelfSubjectAccessReview](a.api, "selfsubjectaccessreviews")
}

// SelfSubjectRulesReviews returns the client that asks what the user may do in a namespace.
func (a Authorization) SelfSubjectRulesReviews() *gentype.Client[*authorizationv1.SelfSubjectRulesReview] {
	return review[authorizationv1.SelfSubjectRulesReview](a.api, "selfsubjectrulesreviews")
}

func review[O any, T interface {
	*O
	Object
}](a api, name string) *gentype.Client[T] {
	return gentype.NewClient(name, a.rest, a.parameters, "", func() T { return new(O) }, gentype.PrefersProtobuf[T]())
}
