package fill

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
)

const (
	// gpuResource is the GPUs of a GKE node, and the taint that keeps others off it.
	gpuResource = "nvidia.com/gpu"
	// gpuNode begins GKE's labels of nodes with GPUs: which, and how many.
	gpuNode = "cloud.google.com/gke-accelerator"
)

// setGPU gives the pods of a run count GPUs, 0 for none: the request, the limit and
// the toleration of the taint that GKE puts on nodes with GPUs, as one; with 0, what
// chooses such nodes goes too. Of a distributed run the workers get them, and those
// helpers that had some. Other accelerators stay.
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
				tidy(resources, key)
			}
		}
		tidy(container, "resources")
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

// tolerate adds the toleration of GPU nodes, or removes it with the choice of them.
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
		tidy(environment, "tolerations")
	}
	// Such nodes only have the taint that is tolerated no more: the pod would wait for ever.
	if selector, ok := environment["nodeSelector"].(map[string]any); ok {
		for key := range selector {
			if strings.HasPrefix(key, gpuNode) {
				delete(selector, key)
			}
		}
		tidy(environment, "nodeSelector")
	}
	tidy(spec, "environment")
}
