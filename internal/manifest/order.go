package manifest

import "slices"

// first are the kinds that others need, in the order in which they are applied. Kinds that
// are not in the list come after them: they may be of a CustomResourceDefinition.
var first = []string{
	"Namespace",
	"CustomResourceDefinition",
	"PriorityClass", "RuntimeClass", "StorageClass", "ResourceQuota", "LimitRange", "NetworkPolicy", "PodDisruptionBudget",
	"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
	"Secret", "ConfigMap",
	"PersistentVolume", "PersistentVolumeClaim",
	"Service",
	"DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet", "Job", "CronJob",
	"HorizontalPodAutoscaler", "IngressClass", "Ingress",
}

// last are the kinds that need others to run already.
var last = []string{"APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}

// sortByKind sorts objects so that each comes after those that it may need. Objects of the
// same kind keep their order.
func sortByKind(objects []*Object) {
	slices.SortStableFunc(objects, func(a, b *Object) int { return rank(a.object.GetKind()) - rank(b.object.GetKind()) })
}

func rank(kind string) int {
	if n := slices.Index(first, kind); n >= 0 {
		return n
	}
	return len(first) + 1 + slices.Index(last, kind)
}
