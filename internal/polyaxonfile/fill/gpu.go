package fill

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
)

const (
	// gpuResource is the resource name of GPUs, and the taint of GKE's nodes with GPUs.
	gpuResource = "nvidia.com/gpu"
	// gpuNode is the prefix of GKE's labels for the type and number of a node's GPUs.
	gpuNode = "cloud.google.com/gke-accelerator"
)

// setGPU sets the number of GPUs of a run's pods: the request, the limit, and the
// toleration of the taint that GKE puts on nodes with GPUs. With count 0 it removes all
// three, and the node selector for such nodes. In a distributed run, the workers get the
// GPUs, and those helpers that already had some. Other accelerators are not changed.
func setGPU(all []operation.Pod, count int) {
	for _, p := range all {
		container := p.Container()
		if container == nil || count > 0 && p.Helper && !hasGPU(container) {
			continue
		}
		if resources := section(container, "resources"); resources != nil {
			for _, key := range []string{"requests", "limits"} {
				if amounts := section(resources, key); amounts != nil && count > 0 {
					amounts[gpuResource] = count
				} else {
					delete(amounts, gpuResource)
				}
				removeEmpty(resources, key)
			}
		}
		removeEmpty(container, "resources")
		tolerate(p.Spec, count > 0)
	}
}

func hasGPU(container map[string]any) bool {
	resources, _ := container["resources"].(map[string]any)
	for _, key := range []string{"requests", "limits"} {
		amounts, _ := resources[key].(map[string]any)
		if _, ok := amounts[gpuResource]; ok {
			return true
		}
	}
	return false
}

// tolerate adds the toleration for nodes with GPUs, or removes it together with their
// node selector.
func tolerate(spec map[string]any, wanted bool) {
	environment := section(spec, "environment")
	if environment == nil {
		return
	}
	if wanted {
		add(environment, "tolerations", map[string]any{"key": gpuResource, "operator": "Exists", "effect": "NoSchedule"}, named("key", gpuResource))
		return
	}
	if old, ok := environment["tolerations"].([]any); ok {
		kept := []any{}
		for _, t := range old {
			if !named("key", gpuResource)(t) {
				kept = append(kept, t)
			}
		}
		environment["tolerations"] = kept
		removeEmpty(environment, "tolerations")
	}
	// All of these nodes have the taint that is no longer tolerated: the pod would stay
	// pending.
	if selector, ok := environment["nodeSelector"].(map[string]any); ok {
		for key := range selector {
			if strings.HasPrefix(key, gpuNode) {
				delete(selector, key)
			}
		}
		removeEmpty(environment, "nodeSelector")
	}
	removeEmpty(spec, "environment")
}
