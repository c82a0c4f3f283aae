// Package admission reports what keeps the pods of a run from starting in a cluster: a node
// that no pool has, a resource quota, a limit range.
package admission

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Pod is a pod of a run. Count is how many of them the run has, and Spare how many of these
// it can do without, as an elastic run can.
type Pod struct {
	// Path is the path of the pod's section in the operation, such as run or run.worker.
	Path         []string
	Count, Spare int64
	Spec         corev1.PodSpec
}

// Obstacle is something that keeps a pod from starting.
type Obstacle struct {
	// Never reports whether the pod can never start, as far as the cluster shows. Otherwise
	// it cannot start now, or it is not known whether it can.
	Never         bool
	Message, Hint string
	// Path is the path in the operation of the value at fault.
	Path []string
}

// extended reports whether a resource is provided by a device plugin, such as
// nvidia.com/gpu.
func extended(name corev1.ResourceName) bool {
	domain, _, found := strings.Cut(string(name), "/")
	return found && domain != "kubernetes.io" && !strings.HasSuffix(domain, ".kubernetes.io")
}

// place returns the path of the resource in the container that asks for most of it.
func (p *Pod) place(name corev1.ResourceName) []string {
	path := slices.Clone(p.Path)
	if len(p.Spec.Containers) > 0 {
		if _, limited := p.Spec.Containers[0].Resources.Limits[name]; limited {
			return append(path, "container", "resources", "limits", string(name))
		}
	}
	return append(path, "container", "resources", "requests", string(name))
}

// times returns an amount n times.
func times(amount resource.Quantity, n int64) resource.Quantity {
	total := amount.DeepCopy()
	total.Mul(n)
	return total
}

func sortedNames(list corev1.ResourceList) []corev1.ResourceName {
	names := make([]corev1.ResourceName, 0, len(list))
	for name := range list {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
