package polyaxon

import (
	"fmt"
	"runtime"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Capacity is the capacity of the sandbox's only node.
type Capacity struct {
	MilliCPU int64
	Memory   int64 // bytes
	// Other resources by name, such as nvidia.com/gpu. The node has none of those that
	// are missing here.
	Other map[string]int64
}

// machine returns the capacity of this machine, without its GPUs: the sandbox's
// containers cannot use them.
func machine() *Capacity {
	return &Capacity{MilliCPU: int64(runtime.NumCPU()) * 1000, Memory: memory(), Other: map[string]int64{}}
}

// Lacks says which resources the containers, running together, request that this machine
// will never have. It returns "" if the machine has enough of all.
func Lacks(containers ...corev1.Container) string { return machine().lacks(requestOf(containers...)) }

// request holds what a run requests by resource, in milli CPUs, bytes or units.
type request map[string]int64

// requestOf adds up the containers' requests. Where a container has no request its limit
// counts, as in Kubernetes.
func requestOf(containers ...corev1.Container) request {
	r := request{}
	for _, c := range containers {
		asked := corev1.ResourceList{}
		for name, q := range c.Resources.Limits {
			asked[name] = q
		}
		for name, q := range c.Resources.Requests {
			asked[name] = q
		}
		for name, q := range asked {
			r[string(name)] += amount(name, q)
		}
	}
	return r
}

func amount(name corev1.ResourceName, q resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}

// has returns how much of a resource the node has.
func (c *Capacity) has(name string) int64 {
	switch corev1.ResourceName(name) {
	case corev1.ResourceCPU:
		return c.MilliCPU
	case corev1.ResourceMemory:
		return c.Memory
	case corev1.ResourceEphemeralStorage:
		return 1 << 60
	}
	return c.Other[name]
}

// lacks says, in the scheduler's words, which requested resources no node will ever have.
// It returns "" if there are none.
func (c *Capacity) lacks(r request) string {
	var missing []string
	for name, wanted := range r {
		if wanted > c.has(name) {
			missing = append(missing, "1 Insufficient "+name)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	sort.Strings(missing)
	return fmt.Sprintf("0/1 nodes are available: %s. The sandbox's only node is this machine: %d CPUs, %d MiB of memory, no GPU; request less, set gpu: 0, or deploy to a real cluster.",
		strings.Join(missing, ", "), c.MilliCPU/1000, c.Memory>>20)
}

// quantity formats an amount of a resource for users.
func quantity(name string, n int64) string {
	switch corev1.ResourceName(name) {
	case corev1.ResourceCPU:
		return strconv.FormatFloat(float64(n)/1000, 'g', 4, 64) + " CPUs"
	case corev1.ResourceMemory:
		return fmt.Sprintf("%d MiB of memory", (n+1<<19)>>20)
	}
	return fmt.Sprintf("%d %s", n, name)
}

// fits reports whether a request fits beside the used resources.
func (c *Capacity) fits(r, used request) bool {
	for name, wanted := range r {
		if wanted+used[name] > c.has(name) {
			return false
		}
	}
	return true
}
