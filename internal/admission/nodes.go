package admission

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/source"
)

// Asks reports whether a pod asks for particular nodes: by labels, or by a resource that not
// every node has.
func (p *Pod) Asks() bool {
	for name := range cluster.Requests(&p.Spec, false) {
		if extended(name) {
			return true
		}
	}
	return len(p.Spec.NodeSelector) > 0
}

// Nodes returns an obstacle for each thing that pods ask for and that no node has: a label
// of the node selector, or a resource of device plugins, such as GPUs. If a node pool may
// add nodes, which the nodes that are there do not show, the obstacle is not for ever.
// Taints and affinities are not considered.
func Nodes(nodes []corev1.Node, pods []Pod) []Obstacle {
	var all []Obstacle
	grows := mayGrow(nodes)
	for i := range pods {
		for _, o := range withoutNode(nodes, &pods[i]) {
			o.Never = o.Never && !grows
			if grows && o.Hint == "" {
				o.Hint = "a node pool that starts at zero may have it, which cannot be seen"
			}
			all = append(all, o)
		}
	}
	return all
}

func withoutNode(nodes []corev1.Node, p *Pod) []Obstacle {
	var all []Obstacle
	selected := nodes
	for _, label := range slices.Sorted(maps.Keys(p.Spec.NodeSelector)) {
		value := p.Spec.NodeSelector[label]
		lacks := func(n corev1.Node) bool { has, ok := n.Labels[label]; return !ok || has != value }
		path := append(slices.Clone(p.Path), "environment", "nodeSelector", label)
		if !slices.ContainsFunc(nodes, func(n corev1.Node) bool { return !lacks(n) }) {
			all = append(all, Obstacle{Message: fmt.Sprintf("no node of the cluster has the label %s: %s", label, value), Hint: valueHint(nodes, label, value), Path: path, Never: true})
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(selected), lacks)
		if len(rest) == 0 {
			return append(all, Obstacle{Message: "no node of the cluster has all labels of the node selector", Path: path, Never: true})
		}
		selected = rest
	}
	requests := cluster.Requests(&p.Spec, false)
	for _, name := range sortedNames(requests) {
		wanted := requests[name]
		if !extended(name) || wanted.IsZero() {
			continue
		}
		most := wanted.DeepCopy()
		most.Set(0)
		for i := range selected {
			// While a device plugin restarts, its resources have a capacity only.
			for _, list := range []corev1.ResourceList{selected[i].Status.Allocatable, selected[i].Status.Capacity} {
				if has := list[name]; has.Cmp(most) > 0 {
					most = has
				}
			}
		}
		which := "of the cluster"
		if len(selected) < len(nodes) {
			which = "with the labels of the node selector"
		}
		switch {
		case most.IsZero():
			all = append(all, Obstacle{Message: fmt.Sprintf("no node %s has %s", which, name), Path: p.place(name), Never: onNodes(name)})
		case wanted.Cmp(most) > 0:
			all = append(all, Obstacle{Message: fmt.Sprintf("no node %s has %s %s: the largest has %s", which, wanted.String(), name, most.String()), Path: p.place(name), Never: true})
		}
	}
	return all
}

// onNodes reports whether a resource that can be had is one that nodes have. A scheduler's
// extender may know others, such as nvidia.com/gpumem.
func onNodes(name corev1.ResourceName) bool {
	return strings.HasSuffix(string(name), "/gpu") || strings.HasPrefix(string(name), "nvidia.com/mig-")
}

// valueHint returns the nearest value that nodes have for a label, or all their values.
func valueHint(nodes []corev1.Node, label, value string) string {
	values := map[string]bool{}
	for i := range nodes {
		if has, ok := nodes[i].Labels[label]; ok {
			values[has] = true
		}
	}
	known := slices.Sorted(maps.Keys(values))
	if near, ok := source.Nearest(value, known); ok {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 || len(known) > maxShownValues {
		return ""
	}
	return "nodes have " + strings.Join(known, ", ")
}

// maxShownValues is the largest number of values that a hint lists.
const maxShownValues = 8

// mayGrow reports whether nodes may be added to the cluster without anyone's doing. An
// autoscaler finds its nodes by their provider ID, so a cluster whose nodes have none does
// not grow. A cluster without any node may be all pools that start at zero.
func mayGrow(nodes []corev1.Node) bool {
	return len(nodes) == 0 || slices.ContainsFunc(nodes, func(n corev1.Node) bool {
		scheme, _, _ := strings.Cut(n.Spec.ProviderID, "://")
		return scheme != "" && !slices.Contains([]string{"kind", "k3d", "minikube"}, scheme)
	})
}
