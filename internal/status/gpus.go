package status

import (
	"context"

	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtGPUs finds the pools of nodes that have GPUs, and how many are free.
func (v *viewer) lookAtGPUs(ctx context.Context) {
	pools, err := v.Cluster.GPUPools(ctx)
	if !v.asked(gpus, "list nodes", err) || len(pools) == 0 {
		return
	}
	known := v.asked(free, "list pods in all namespaces", v.Cluster.UseOfGPUs(ctx, pools))
	for _, p := range pools {
		one := report.GPUPool{Name: p.Name, Type: p.Type, Resource: p.Resource, Nodes: p.Nodes, Unready: p.Unready, GPUs: p.GPUs, Taints: p.Taints}
		if known {
			left := max(0, p.GPUs-p.Used)
			one.Free = &left
		}
		v.found.Pools = append(v.found.Pools, one)
	}
}
