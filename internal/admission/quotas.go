package admission

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// Quotas returns an obstacle for each resource of which the pods of a run together ask for
// more than a resource quota of the namespace allows. If the quota would allow it and other
// pods use it up, or if the run can do with fewer pods, the obstacle is not for ever. What
// Polyaxon's own containers request is not known, and comes on top.
func Quotas(quotas []corev1.ResourceQuota, limits []corev1.LimitRange, pods []Pod) []Obstacle {
	var all []Obstacle
	for _, u := range usages(quotas, limits, pods) {
		o := Obstacle{Path: u.most.place(plainName(u.name))}
		switch {
		case u.needed.Cmp(u.allowed) > 0:
			o.Never = true
			o.Message = fmt.Sprintf("it asks for %s %s, and resource quota %s of the namespace allows %s", u.needed.String(), u.name, u.quota, u.allowed.String())
		case u.needed.Cmp(u.free) > 0:
			o.Message = fmt.Sprintf("it asks for %s %s, and %s of the %s that resource quota %s allows are free now: a new run waits until others end",
				u.needed.String(), u.name, u.free.String(), u.allowed.String(), u.quota)
		case u.total.Cmp(u.allowed) > 0:
			o.Message = fmt.Sprintf("all of its replicas ask for %s %s, and resource quota %s of the namespace allows %s: it runs with fewer",
				u.total.String(), u.name, u.quota, u.allowed.String())
		default:
			continue
		}
		all = append(all, o)
	}
	return all
}

// Together returns a text for each resource of which runs that start side by side ask for
// more than a resource quota has free, although each of them alone would get it.
func Together(quotas []corev1.ResourceQuota, limits []corev1.LimitRange, runs [][]Pod) []string {
	var texts []string
	for _, u := range usages(quotas, limits, slices.Concat(runs...)) {
		alone := func(pods []Pod) bool {
			return slices.ContainsFunc(usages(quotas, limits, pods), func(one usage) bool {
				return one.quota == u.quota && one.name == u.name && one.needed.Cmp(u.free) > 0
			})
		}
		if u.needed.Cmp(u.free) > 0 && !slices.ContainsFunc(runs, alone) {
			texts = append(texts, fmt.Sprintf("together they ask for %s %s, and %s of the %s that resource quota %s allows are free now: some wait until others end",
				u.needed.String(), u.name, u.free.String(), u.allowed.String(), u.quota))
		}
	}
	return texts
}

// usage is how much of a resource of a quota some pods use together.
type usage struct {
	quota string
	name  corev1.ResourceName
	// needed is what the pods use without those that their run can do without, and total
	// what all of them use.
	needed, total resource.Quantity
	// allowed is what the quota allows, and free what of this is free now.
	allowed, free resource.Quantity
	// most is the pod that uses most of it.
	most *Pod
}

// usages returns how much pods use of each resource that quotas limit, without those of
// which they use nothing.
func usages(quotas []corev1.ResourceQuota, limits []corev1.LimitRange, pods []Pod) []usage {
	var all []usage
	pods = withDefaults(limits, pods)
	for i := range quotas {
		q := &quotas[i]
		counted := slices.DeleteFunc(slices.Clone(pods), func(p Pod) bool { return !counts(q, &p) })
		for _, name := range sortedNames(q.Spec.Hard) {
			u := usage{quota: q.Name, name: name, allowed: q.Spec.Hard[name], free: q.Spec.Hard[name].DeepCopy()}
			if u.add(counted); u.most == nil || u.total.IsZero() {
				continue
			}
			if u.free.Sub(q.Status.Used[name]); u.free.Sign() < 0 {
				u.free.Set(0)
			}
			all = append(all, u)
		}
	}
	return all
}

// add adds what pods use. It leaves most nil if the resource is not one of pods.
func (u *usage) add(pods []Pod) {
	limits := strings.HasPrefix(string(u.name), "limits.")
	var highest resource.Quantity
	for i := range pods {
		p := &pods[i]
		amount := *resource.NewQuantity(1, resource.DecimalSI)
		if u.name != corev1.ResourcePods && u.name != "count/pods" {
			amount = cluster.Requests(&p.Spec, limits)[plainName(u.name)]
		}
		u.needed.Add(times(amount, p.Count-p.Spare))
		if amount = times(amount, p.Count); u.most == nil || amount.Cmp(highest) > 0 {
			highest, u.most = amount, p
		}
		u.total.Add(amount)
	}
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
