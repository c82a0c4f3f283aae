package lint

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/edit"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
	"k8s.io/apimachinery/pkg/api/resource"
)

func resourceRules() []Rule {
	return []Rule{
		{Name: "gpu-without-limit", Severity: file.SeverityError, Stage: file.StageRun, check: gpuWithoutLimit,
			Summary: "A GPU is requested without a limit, or the two differ",
			Help: "Kubernetes does not share GPUs: a pod that requests one needs a limit of the same number, and is refused otherwise. A limit alone is enough. " +
				"slipway's `gpu: N` in slipway.yaml sets request, limit and toleration together."},
		{Name: "gpu-without-toleration", Severity: file.SeverityWarning, Stage: file.StageRun, check: gpuWithoutToleration,
			Summary: "A GPU is requested, but the taint of its nodes is not tolerated",
			Help: "Nodes with GPUs carry a taint (`nvidia.com/gpu`) that keeps other pods away. Clusters with the admission plugin ExtendedResourceToleration, GKE for one, add the toleration by themselves; " +
				"elsewhere the run stays pending. Add it to `environment.tolerations`."},
		{Name: "gpu-fraction", Severity: file.SeverityError, Stage: file.StageRun, check: gpuFraction,
			Summary: "A fraction of a GPU",
			Help:    "Kubernetes counts GPUs in whole numbers, and refuses the pod. To share a GPU, use the time-sharing or multi-instance node pools of the cloud, which offer whole ones too."},
		{Name: "unknown-resource", Severity: file.SeverityError, Stage: file.StageRun, check: unknownResource,
			Summary: "A resource that Kubernetes does not have",
			Help:    "A resource without a domain is one of cpu, memory, ephemeral-storage or hugepages-...; a GPU is `nvidia.com/gpu`. Kubernetes refuses the pod."},
		{Name: "request-above-limit", Severity: file.SeverityError, Stage: file.StageRun, check: requestAboveLimit,
			Summary: "A request is above its limit",
			Help:    "Kubernetes refuses a pod that asks to be given more than it may use. Raise the limit, or lower the request."},
		{Name: "odd-quantity", Severity: file.SeverityWarning, Stage: file.StageRun, check: oddQuantity,
			Summary: "A quantity that is probably a mistake",
			Help: "`memory: 512m` is half a byte (m is a thousandth), `memory: 4` is four bytes, and `cpu: 500` five hundred processors. " +
				"Write memory as 512Mi or 4Gi, and half a processor as 500m."},
	}
}

func isGPU(name string) bool {
	return strings.HasSuffix(name, "/gpu") || strings.Contains(name, "/mig-")
}

// amounts returns the requests or the limits of a container, and their path.
func amounts(c container, section string) (map[string]any, []string) {
	resources := mapping(c.values["resources"])
	return mapping(resources[section]), extend(c.path, "resources", section)
}

// quantity parses a value as a Kubernetes quantity. It returns false for templates and
// for values that are not quantities.
func quantity(value any) (resource.Quantity, bool) {
	if value == nil || templated(text(value)) {
		return resource.Quantity{}, false
	}
	return types.Quantity(value)
}

func gpuWithoutLimit(p *pass) {
	for _, c := range p.containers() {
		requests, path := amounts(c, "requests")
		limits, _ := amounts(c, "limits")
		for _, name := range sorted(requests) {
			if !isGPU(name) {
				continue
			}
			limit, limited := limits[name]
			request, known := quantity(requests[name])
			most, mostKnown := quantity(limit)
			switch {
			case known && request.IsZero() && !limited:
			case !limited:
				p.key(extend(path, name), fmt.Sprintf("add limits: {%s: %v}", name, requests[name]), "%s is requested and not limited: Kubernetes refuses the pod", name).
					fix = set(extend(c.path, "resources", "limits", name), requests[name])
			case known && mostKnown && request.Cmp(most) != 0:
				p.value(extend(path, name), "make them the same", "the request of %s, %s, is not its limit, %s: Kubernetes refuses the pod", name, request.String(), most.String())
			}
		}
	}
}

func gpuWithoutToleration(p *pass) {
	for _, pod := range p.pods() {
		environment := mapping(pod.values["environment"])
		if environment["tolerations"] == nil && pod.role == "replica" && p.run["environment"] != nil {
			environment = mapping(p.run["environment"])
		}
		for _, c := range p.containers() {
			if len(c.path) <= len(pod.path) || c.role == "main" && pod.role != "main" || !within(pod.path, c.path) {
				continue
			}
			limits, path := amounts(c, "limits")
			if len(limits) == 0 {
				limits, path = amounts(c, "requests")
			}
			for _, name := range sorted(limits) {
				if count, known := quantity(limits[name]); isGPU(name) && !(known && count.IsZero()) && !tolerates(list(environment["tolerations"]), name) {
					p.key(extend(path, name), "add environment: {tolerations: [{key: "+name+", operator: Exists, effect: NoSchedule}]}; GKE does so by itself",
						"the taint of nodes with %s is not tolerated: the run may stay pending", name).fix = edits(edit.Insert(
						map[string]any{"key": name, "operator": "Exists", "effect": "NoSchedule"}, extend(pod.path, "environment", "tolerations", "-")...))
				}
			}
		}
	}
}

func within(outer, inner []string) bool {
	for i := range outer {
		if i >= len(inner) || outer[i] != inner[i] {
			return false
		}
	}
	return true
}

// tolerates reports whether one of the tolerations may apply to a taint.
func tolerates(tolerations []any, key string) bool {
	for _, element := range tolerations {
		t := mapping(element)
		if t == nil || templated(text(t["key"])) || text(t["key"]) == key || text(t["key"]) == "" && t["operator"] == "Exists" {
			return true
		}
	}
	return false
}

func gpuFraction(p *pass) {
	for _, c := range p.containers() {
		for _, section := range []string{"requests", "limits"} {
			values, path := amounts(c, section)
			for _, name := range sorted(values) {
				if q, known := quantity(values[name]); known && isGPU(name) && q.MilliValue()%1000 != 0 {
					p.value(extend(path, name), "ask for 1", "%v of %s: Kubernetes accepts only whole numbers of it", values[name], name)
				}
			}
		}
	}
}

func unknownResource(p *pass) {
	for _, c := range p.containers() {
		for _, section := range []string{"requests", "limits"} {
			values, path := amounts(c, section)
			for _, name := range sorted(values) {
				switch {
				case strings.Contains(name, "/") || templated(name) || strings.HasPrefix(name, "hugepages-"):
				case name == "cpu" || name == "memory" || name == "ephemeral-storage":
				case strings.HasPrefix(strings.ToLower(name), "gpu"):
					p.key(extend(path, name), "write nvidia.com/gpu", "Kubernetes has no resource %s: it refuses the pod", name).
						fix = edits(edit.Rename("nvidia.com/gpu", extend(path, name)...))
				default:
					p.key(extend(path, name), didYouMean(name, []string{"cpu", "memory", "ephemeral-storage"}), "Kubernetes has no resource %s: it refuses the pod", name)
				}
			}
		}
	}
}

func requestAboveLimit(p *pass) {
	for _, c := range p.containers() {
		requests, path := amounts(c, "requests")
		limits, _ := amounts(c, "limits")
		for _, name := range sorted(requests) {
			request, a := quantity(requests[name])
			limit, b := quantity(limits[name])
			if a && b && !isGPU(name) && request.Cmp(limit) > 0 {
				p.value(extend(path, name), "raise the limit, or lower the request", "the request of %s, %s, is above its limit, %s: Kubernetes refuses the pod", name, request.String(), limit.String())
			}
		}
	}
}

func oddQuantity(p *pass) {
	for _, c := range p.containers() {
		for _, section := range []string{"requests", "limits"} {
			values, path := amounts(c, section)
			for _, name := range sorted(values) {
				q, known := quantity(values[name])
				written := fmt.Sprint(values[name])
				switch {
				case !known || q.IsZero():
				case (name == "memory" || name == "ephemeral-storage") && strings.HasSuffix(written, "m"):
					p.value(extend(path, name), "write "+strings.TrimSuffix(written, "m")+"Mi", "%s: %s is thousandths of a byte", name, written)
				case name == "memory" && q.Value() < 1<<20:
					p.value(extend(path, name), "write it as 512Mi or 4Gi", "%s: %s is only %d bytes", name, written, q.Value())
				case name == "cpu" && q.Value() >= 100 && !strings.HasSuffix(written, "m"):
					p.value(extend(path, name), "write "+written+"m for thousandths of a processor", "cpu: %s is %d processors", written, q.Value())
				}
			}
		}
	}
}
