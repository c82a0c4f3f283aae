package cluster

import (
	"maps"

	v1 "k8s.io/api/core/v1"
)

// Requests returns what a pod requests or, with limits, its limits. The containers that run
// side by side add up, and so do init containers that stay as sidecars. Other init
// containers run one after the other before them, so they count only for what they ask
// beyond the sum.
func Requests(spec *v1.PodSpec, limits bool) v1.ResourceList {
	sum := v1.ResourceList{}
	add := func(c *v1.Container) {
		for name, amount := range ContainerRequests(c, limits) {
			total := sum[name]
			total.Add(amount)
			sum[name] = total
		}
	}
	var before []*v1.Container
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways {
			add(c)
		} else {
			before = append(before, c)
		}
	}
	for i := range spec.Containers {
		add(&spec.Containers[i])
	}
	for _, c := range before {
		for name, amount := range ContainerRequests(c, limits) {
			if total, ok := sum[name]; !ok || amount.Cmp(total) > 0 {
				sum[name] = amount
			}
		}
	}
	return sum
}

// ContainerRequests returns what a container requests or, with limits, its limits. As in
// Kubernetes, a request that is missing is the limit.
func ContainerRequests(c *v1.Container, limits bool) v1.ResourceList {
	amounts := v1.ResourceList{}
	maps.Copy(amounts, c.Resources.Limits)
	if !limits {
		maps.Copy(amounts, c.Resources.Requests)
	}
	return amounts
}
