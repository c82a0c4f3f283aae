package admission

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// counts reports whether a quota counts a pod, by its scopes (pods.go of Kubernetes'
// pkg/quota/v1/evaluator/core). It returns false where that is not known: for scopes of
// other things than pods, and for a pod that requests nothing of its own, which is best
// effort only if Polyaxon's containers request nothing either.
func counts(q *corev1.ResourceQuota, p *Pod) bool {
	var all []corev1.ScopedResourceSelectorRequirement
	for _, scope := range q.Spec.Scopes {
		all = append(all, corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists})
	}
	if q.Spec.ScopeSelector != nil {
		all = append(all, q.Spec.ScopeSelector.MatchExpressions...)
	}
	return !slices.ContainsFunc(all, func(r corev1.ScopedResourceSelectorRequirement) bool { return !inScope(&r, &p.Spec) })
}

func inScope(r *corev1.ScopedResourceSelectorRequirement, spec *corev1.PodSpec) bool {
	switch r.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return spec.ActiveDeadlineSeconds != nil
	case corev1.ResourceQuotaScopeNotTerminating:
		return spec.ActiveDeadlineSeconds == nil
	case corev1.ResourceQuotaScopeNotBestEffort:
		return requests(spec)
	case corev1.ResourceQuotaScopePriorityClass:
		return hasPriority(r, spec.PriorityClassName)
	}
	return false
}

// requests reports whether a pod requests processors or memory.
func requests(spec *corev1.PodSpec) bool {
	for name, amount := range cluster.Requests(spec, false) {
		if (name == corev1.ResourceCPU || name == corev1.ResourceMemory) && !amount.IsZero() {
			return true
		}
	}
	return false
}

// hasPriority reports whether a requirement is for pods of a priority class. class is "" for
// a pod that names none. That a class may be the default of the cluster is not considered.
func hasPriority(r *corev1.ScopedResourceSelectorRequirement, class string) bool {
	switch r.Operator {
	case corev1.ScopeSelectorOpExists:
		return class != ""
	case corev1.ScopeSelectorOpDoesNotExist:
		return class == ""
	case corev1.ScopeSelectorOpIn:
		return slices.Contains(r.Values, class)
	}
	return !slices.Contains(r.Values, class)
}
