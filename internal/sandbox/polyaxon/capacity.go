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

// Capacity is what the one node of the sandbox has.
type Capacity struct {
	MilliCPU int64
	Memory   int64 // bytes
	// Other resources, such as nvidia.com/gpu; what is not named there is none of.
	Other map[string]int64
}

// machine gives the capacity of this machine. Its GPUs do not count: a container
// of the sandbox is given none.
func machine() *Capacity {
	return &Capacity{MilliCPU: int64(runtime.NumCPU()) * 1000, Memory: memory(), Other: map[string]int64{}}
}

// Lacks says what containers that run together ask for and this machine will never
// have, "" when it has all.
func Lacks(containers ...corev1.Container) string { return machine().lacks(requestOf(containers...)) }

// request is what a run asks for, by resource: milli CPUs, bytes, pieces.
type request map[string]int64

// requestOf adds up what containers ask for: requests, or limits where there is
// no request, as Kubernetes does.
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

// has gives how much there is of a resource.
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

// lacks says, in the scheduler's words, what no node will ever have; "" when all
// is there.
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

// quantity gives an amount of a resource as people write it.
func quantity(name string, n int64) string {
	switch corev1.ResourceName(name) {
	case corev1.ResourceCPU:
		return strconv.FormatFloat(float64(n)/1000, 'g', 4, 64) + " CPUs"
	case corev1.ResourceMemory:
		return fmt.Sprintf("%d MiB of memory", (n+1<<19)>>20)
	}
	return fmt.Sprintf("%d %s", n, name)
}

// fits tells whether a request fits beside what is used.
func (c *Capacity) fits(r, used request) bool {
	for name, wanted := range r {
		if wanted+used[name] > c.has(name) {
			return false
		}
	}
	return true
}
