package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GPUPool is the nodes of a pool that have GPUs of one type.
type GPUPool struct {
	// Name is that of the cloud's node pool, and Type the model. Either may be empty.
	Name, Type string
	// Resource is the name by which containers request the GPUs, such as nvidia.com/gpu.
	Resource string
	// Nodes is how many nodes are ready and take new pods, and Unready how many do not.
	Nodes, Unready int
	// GPUs is how many GPUs the ready nodes have, and Used how many of these pods hold.
	GPUs, Used int64
	// Taints are the taints that the pods must tolerate, such as nvidia.com/gpu=present:NoSchedule.
	Taints []string

	members map[string]bool
}

// The labels of nodes that have the name of their pool, and the model of their GPUs.
var (
	poolLabels = []string{"cloud.google.com/gke-nodepool", "eks.amazonaws.com/nodegroup", "kubernetes.azure.com/agentpool", "karpenter.sh/nodepool"}
	typeLabels = []string{"cloud.google.com/gke-accelerator", "nvidia.com/gpu.product", "amd.com/gpu.product-name", "k8s.amazonaws.com/accelerator"}
)

// GPUPools returns the pools of nodes that have GPUs, by name. A pool without nodes is not
// among them, because Kubernetes does not know it. Used is 0 until UseOfGPUs has set it.
func (c *Cluster) GPUPools(ctx context.Context) ([]*GPUPool, error) {
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var pools []*GPUPool
	for i := range nodes {
		node := &nodes[i]
		for resource, quantity := range node.Status.Allocatable {
			if !strings.HasSuffix(string(resource), "/gpu") || quantity.IsZero() {
				continue
			}
			pool := poolOf(&pools, node, string(resource))
			if !takesPods(node) {
				pool.Unready++
				continue
			}
			pool.Nodes++
			pool.GPUs += quantity.Value()
			pool.members[node.Name] = true
		}
	}
	slices.SortFunc(pools, func(a, b *GPUPool) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Resource, b.Resource))
	})
	return pools, nil
}

// poolOf returns the pool that a node belongs to with its GPUs. It adds the pool if it is
// not there yet.
func poolOf(pools *[]*GPUPool, node *v1.Node, resource string) *GPUPool {
	label := func(names []string) string {
		for _, name := range names {
			if node.Labels[name] != "" {
				return node.Labels[name]
			}
		}
		return ""
	}
	wanted := &GPUPool{Name: label(poolLabels), Type: label(typeLabels), Resource: resource, members: map[string]bool{}}
	for _, t := range node.Spec.Taints {
		if t.Effect != v1.TaintEffectPreferNoSchedule && !strings.HasPrefix(t.Key, "node.kubernetes.io/") {
			wanted.Taints = append(wanted.Taints, t.ToString())
		}
	}
	slices.Sort(wanted.Taints)
	for _, p := range *pools {
		if p.Name == wanted.Name && p.Type == wanted.Type && p.Resource == resource && slices.Equal(p.Taints, wanted.Taints) {
			return p
		}
	}
	*pools = append(*pools, wanted)
	return wanted
}

// takesPods reports whether new pods can go to a node.
func takesPods(node *v1.Node) bool {
	ready := func(c v1.NodeCondition) bool { return c.Type == v1.NodeReady && c.Status == v1.ConditionTrue }
	return !node.Spec.Unschedulable && slices.ContainsFunc(node.Status.Conditions, ready)
}

// maxPods bounds how many pods are listed.
const maxPods = 5000

// UseOfGPUs sets Used of the pools, by the pods of all namespaces. It is an error if there are
// more than 5000.
func (c *Cluster) UseOfGPUs(ctx context.Context, pools []*GPUPool) error {
	pods, err := retry(ctx, c, func() (*v1.PodList, error) {
		return c.Client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed", Limit: maxPods})
	})
	if err == nil && pods.Continue != "" {
		err = fmt.Errorf("there are more than %d", maxPods)
	}
	if err != nil {
		return fmt.Errorf("list the pods of all namespaces of cluster %s: %w", c.Name, err)
	}
	for i := range pods.Items {
		for _, pool := range pools {
			if pool.members[pods.Items[i].Spec.NodeName] {
				held := Requests(&pods.Items[i].Spec, false)[v1.ResourceName(pool.Resource)]
				pool.Used += held.Value()
			}
		}
	}
	return nil
}
