package admission

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// Quotas returns an obstacle for each resource of which the pods of a run together ask for
// more than a resource quota of the namespace allows. If the quota would allow it and other
// pods use it up, the obstacle is not for ever. Quotas with scopes are not considered. What
// Polyaxon's own containers request is not known, and comes on top.
func Quotas(quotas []corev1.ResourceQuota, limits []corev1.LimitRange, pods []Pod) []Obstacle {
	var all []Obstacle
	pods = withDefaults(limits, pods)
	for i := range quotas {
		q := &quotas[i]
		if len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
			continue
		}
		hard := q.Spec.Hard
		for _, name := range sortedNames(hard) {
			wanted, most := usage(name, pods)
			if most == nil || wanted.IsZero() {
				continue
			}
			allowed, used := hard[name], q.Status.Used[name]
			free := allowed.DeepCopy()
			free.Sub(used)
			o := Obstacle{Path: most.place(plainName(name))}
			switch {
			case wanted.Cmp(allowed) > 0:
				o.Never = true
				o.Message = fmt.Sprintf("it asks for %s %s, and resource quota %s of the namespace allows %s", wanted.String(), name, q.Name, allowed.String())
			case wanted.Cmp(free) > 0:
				if free.Sign() < 0 {
					free.Set(0)
				}
				o.Message = fmt.Sprintf("it asks for %s %s, and %s of the %s that resource quota %s allows are free now: a new run waits until others end",
					wanted.String(), name, free.String(), allowed.String(), q.Name)
			default:
				continue
			}
			all = append(all, o)
		}
	}
	return all
}

// usage returns how much of a quota's resource the pods use together, and the pod that uses
// most of it. The pod is nil if the resource is not one of pods.
func usage(name corev1.ResourceName, pods []Pod) (total resource.Quantity, most *Pod) {
	limits := strings.HasPrefix(string(name), "limits.")
	var highest resource.Quantity
	for i := range pods {
		amount := *resource.NewQuantity(1, resource.DecimalSI)
		if name != corev1.ResourcePods && name != "count/pods" {
			amount = cluster.Requests(&pods[i].Spec, limits)[plainName(name)]
		}
		if amount = times(amount, pods[i].Count); most == nil || amount.Cmp(highest) > 0 {
			highest, most = amount, &pods[i]
		}
		total.Add(amount)
	}
	return total, most
}

// plainName returns the resource that a quota's name limits.
func plainName(name corev1.ResourceName) corev1.ResourceName {
	for _, prefix := range []string{"limits.", "requests."} {
		if rest, ok := strings.CutPrefix(string(name), prefix); ok {
			return corev1.ResourceName(rest)
		}
	}
	return name
}

// Limits returns an obstacle for each container that asks for more, or less, than a limit
// range of the namespace allows. Kubernetes refuses to create such a pod.
func Limits(limits []corev1.LimitRange, pods []Pod) []Obstacle {
	var all []Obstacle
	for i := range limits {
		for _, item := range limits[i].Spec.Limits {
			for j := range pods {
				all = append(all, outside(limits[i].Name, &item, &pods[j])...)
			}
		}
	}
	return all
}

// outside returns the obstacles of one item of a limit range for a pod.
func outside(name string, item *corev1.LimitRangeItem, p *Pod) []Obstacle {
	var all []Obstacle
	check := func(what string, requests, limits corev1.ResourceList) {
		for _, r := range sortedNames(item.Max) {
			most := item.Max[r]
			wanted := requests[r]
			if limit := limits[r]; limit.Cmp(wanted) > 0 {
				wanted = limit
			}
			if wanted.Cmp(most) > 0 {
				all = append(all, Obstacle{Never: true, Path: p.place(r),
					Message: fmt.Sprintf("%s asks for %s %s, and limit range %s of the namespace allows at most %s", what, wanted.String(), r, name, most.String())})
			}
		}
		for _, r := range sortedNames(item.Min) {
			least := item.Min[r]
			if wanted, asked := requests[r]; asked && wanted.Cmp(least) < 0 {
				all = append(all, Obstacle{Never: true, Path: p.place(r),
					Message: fmt.Sprintf("%s asks for %s %s, and limit range %s of the namespace wants at least %s", what, wanted.String(), r, name, least.String())})
			}
		}
	}
	switch item.Type {
	case corev1.LimitTypePod:
		check("the pod", cluster.Requests(&p.Spec, false), cluster.Requests(&p.Spec, true))
	case corev1.LimitTypeContainer:
		for i := range p.Spec.Containers {
			c := &p.Spec.Containers[i]
			check("container "+cmp.Or(c.Name, "main"), cluster.ContainerRequests(c, false), cluster.ContainerRequests(c, true))
		}
	}
	return all
}

// withDefaults returns the pods with the defaults that limit ranges give to containers.
func withDefaults(limits []corev1.LimitRange, pods []Pod) []Pod {
	filled := make([]Pod, len(pods))
	for i, p := range pods {
		filled[i] = p
		spec := p.Spec.DeepCopy()
		for j := range limits {
			for _, item := range limits[j].Spec.Limits {
				if item.Type != corev1.LimitTypeContainer {
					continue
				}
				for k := range spec.Containers {
					fillIn(&spec.Containers[k].Resources, &item)
				}
			}
		}
		filled[i].Spec = *spec
	}
	return filled
}

func fillIn(r *corev1.ResourceRequirements, item *corev1.LimitRangeItem) {
	for name, amount := range item.DefaultRequest {
		_, asked := r.Requests[name]
		_, limited := r.Limits[name]
		if !asked && !limited {
			if r.Requests == nil {
				r.Requests = corev1.ResourceList{}
			}
			r.Requests[name] = amount
		}
	}
	for name, amount := range item.Default {
		if _, limited := r.Limits[name]; !limited {
			if r.Limits == nil {
				r.Limits = corev1.ResourceList{}
			}
			r.Limits[name] = amount
		}
	}
}
