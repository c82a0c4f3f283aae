package kubernetes

import (
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is a kind of object that the cluster supports.
type kind struct {
	// apiGroup is the API group. It is "" for the core.
	apiGroup       string
	name, resource string
	namespaced     bool
	// derived reports whether the objects are made of Polyaxon's runs. They are not kept on
	// disk, and clients can only read them.
	derived bool
	// short is the short name that kubectl accepts, and category the category, such as
	// all. They may be empty.
	short, category string
}

var (
	namespaceKind = kind{name: "Namespace", resource: "namespaces", short: "ns"}
	secretKind    = kind{name: "Secret", resource: "secrets", namespaced: true}
	configMapKind = kind{name: "ConfigMap", resource: "configmaps", namespaced: true, short: "cm"}
	podKind       = kind{name: "Pod", resource: "pods", namespaced: true, derived: true, short: "po", category: "all"}
	serviceKind   = kind{name: "Service", resource: "services", namespaced: true, derived: true, short: "svc", category: "all"}
	eventKind     = kind{name: "Event", resource: "events", namespaced: true, derived: true, short: "ev"}
	nodeKind      = kind{name: "Node", resource: "nodes", derived: true, short: "no"}
)

// kinds returns the kinds whose objects the cluster has.
func kinds() []kind {
	return []kind{namespaceKind, secretKind, configMapKind, podKind, serviceKind, eventKind, nodeKind}
}

func (k kind) gvk() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.apiGroup, Version: "v1", Kind: k.name}
}

func (k kind) group() schema.GroupResource {
	return schema.GroupResource{Group: k.apiGroup, Resource: k.resource}
}

func (k kind) missing(name string) error { return apierrors.NewNotFound(k.group(), name) }

// object is implemented by all of the cluster's types.
type object interface {
	runtime.Object
	metav1.Object
}

func (k kind) empty() object {
	switch k {
	case namespaceKind:
		return &corev1.Namespace{}
	case secretKind:
		return &corev1.Secret{}
	case configMapKind:
		return &corev1.ConfigMap{}
	case podKind:
		return &corev1.Pod{}
	case serviceKind:
		return &corev1.Service{}
	case eventKind:
		return &corev1.Event{}
	case selfReviewKind:
		return &authentication.SelfSubjectReview{}
	case accessReviewKind:
		return &authorization.SelfSubjectAccessReview{}
	case rulesReviewKind:
		return &authorization.SelfSubjectRulesReview{}
	}
	return &corev1.Node{}
}

// kindOf returns the kind of an object of the cluster.
func kindOf(x object) kind {
	for _, k := range kinds() {
		if k.name == x.GetObjectKind().GroupVersionKind().Kind {
			return k
		}
	}
	return kind{}
}

// verbs returns what clients can do with objects of the kind.
func (k kind) verbs() metav1.Verbs {
	switch {
	case k.isReview():
		return metav1.Verbs{"create"}
	case k.derived:
		return metav1.Verbs{"get", "list", "watch"}
	case !k.namespaced:
		return metav1.Verbs{"create", "delete", "get", "list", "patch", "update", "watch"}
	}
	return metav1.Verbs{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
}
