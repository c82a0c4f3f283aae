package admission

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// list returns a list of resources: list("cpu", "2").
func list(words ...string) corev1.ResourceList {
	all := corev1.ResourceList{}
	for i := 0; i < len(words); i += 2 {
		all[corev1.ResourceName(words[i])] = resource.MustParse(words[i+1])
	}
	return all
}

func pod(limits corev1.ResourceList, labels map[string]string) Pod {
	return Pod{Path: []string{"run"}, Count: 1, Spec: corev1.PodSpec{
		NodeSelector: labels, Containers: []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Limits: limits}}}}}
}

func node(provider string, labels map[string]string, has corev1.ResourceList) corev1.Node {
	return corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.NodeSpec{ProviderID: provider}, Status: corev1.NodeStatus{Allocatable: has}}
}

// show formats obstacles, one a line.
func show(all []Obstacle) string {
	var lines []string
	for _, o := range all {
		line := map[bool]string{true: "never ", false: "now "}[o.Never] + strings.Join(o.Path, ".") + ": " + o.Message
		if o.Hint != "" {
			line += " (" + o.Hint + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

const (
	gpu         = "nvidia.com/gpu"
	accelerator = "cloud.google.com/gke-accelerator"
)

func TestNodes(t *testing.T) {
	labels := func(value string) map[string]string { return map[string]string{accelerator: value} }
	const unseen = " (a node pool that starts at zero may have it, which cannot be seen)"
	for name, c := range map[string]struct {
		nodes []corev1.Node
		pod   Pod
		want  string
	}{
		"enough":             {[]corev1.Node{node("", nil, list(gpu, "4"))}, pod(list(gpu, "4"), nil), ""},
		"nothing particular": {[]corev1.Node{node("", nil, nil)}, pod(list("cpu", "400"), nil), ""},
		"no GPU at all": {[]corev1.Node{node("", nil, list("cpu", "4")), node("kind://docker/a/b", nil, nil)}, pod(list(gpu, "1"), nil),
			"never run.container.resources.limits.nvidia.com/gpu: no node of the cluster has nvidia.com/gpu"},
		"too few": {[]corev1.Node{node("", nil, list(gpu, "2")), node("", nil, list(gpu, "4"))}, pod(list(gpu, "8"), nil),
			"never run.container.resources.limits.nvidia.com/gpu: no node of the cluster has 8 nvidia.com/gpu: the largest has 4"},
		"a pool may start at zero": {[]corev1.Node{node("gce://p/z/n", nil, nil)}, pod(list(gpu, "1"), nil),
			"now run.container.resources.limits.nvidia.com/gpu: no node of the cluster has nvidia.com/gpu" + unseen},
		"no node at all": {nil, pod(list(gpu, "1"), nil),
			"now run.container.resources.limits.nvidia.com/gpu: no node of the cluster has nvidia.com/gpu" + unseen},
		"a resource of a scheduler's extender": {[]corev1.Node{node("", nil, list(gpu, "1"))}, pod(list(gpu, "1", "nvidia.com/gpumem", "3000"), nil),
			"now run.container.resources.limits.nvidia.com/gpumem: no node of the cluster has nvidia.com/gpumem"},
		"a device plugin that restarts": {[]corev1.Node{{Status: corev1.NodeStatus{Capacity: list(gpu, "2"), Allocatable: list(gpu, "0")}}}, pod(list(gpu, "2"), nil), ""},
		"RKE2, which may scale": {[]corev1.Node{node("rke2://n", nil, nil)}, pod(list(gpu, "1"), nil),
			"now run.container.resources.limits.nvidia.com/gpu: no node of the cluster has nvidia.com/gpu" + unseen},
		"an accelerator": {[]corev1.Node{node("gce://p/z/n", labels("nvidia-tesla-t4"), list(gpu, "1"))}, pod(list(gpu, "1"), labels("nvidia-tesla-t4")), ""},
		"an accelerator misspelt": {[]corev1.Node{node("gce://p/z/n", labels("nvidia-tesla-t4"), list(gpu, "1"))}, pod(list(gpu, "1"), labels("nvidia-telsa-t4")),
			"now run.environment.nodeSelector.cloud.google.com/gke-accelerator: no node of the cluster has the label cloud.google.com/gke-accelerator: nvidia-telsa-t4 (did you mean nvidia-tesla-t4?)"},
		"another accelerator": {[]corev1.Node{node("", labels("nvidia-l4"), list(gpu, "1"))}, pod(nil, labels("tpu-v5-lite-podslice")),
			"never run.environment.nodeSelector.cloud.google.com/gke-accelerator: no node of the cluster has the label cloud.google.com/gke-accelerator: tpu-v5-lite-podslice (nodes have nvidia-l4)"},
		"the labels are on different nodes": {[]corev1.Node{node("", map[string]string{"a": "1"}, nil), node("", map[string]string{"b": "1"}, nil)}, pod(nil, map[string]string{"a": "1", "b": "1"}),
			"never run.environment.nodeSelector.b: no node of the cluster has all labels of the node selector"},
		"the GPUs are on other nodes": {[]corev1.Node{node("", map[string]string{"a": "1"}, nil), node("", nil, list(gpu, "1"))}, pod(list(gpu, "1"), map[string]string{"a": "1"}),
			"never run.container.resources.limits.nvidia.com/gpu: no node with the labels of the node selector has nvidia.com/gpu"},
	} {
		t.Run(name, func(t *testing.T) {
			if have := show(Nodes(c.nodes, []Pod{c.pod})); have != c.want {
				t.Errorf("have\n%s\nwant\n%s", have, c.want)
			}
		})
	}
}

func TestQuotas(t *testing.T) {
	quota := func(hard, used corev1.ResourceList) []corev1.ResourceQuota {
		return []corev1.ResourceQuota{{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: corev1.ResourceQuotaSpec{Hard: hard}, Status: corev1.ResourceQuotaStatus{Used: used}}}
	}
	scoped := quota(list("pods", "0"), nil)
	scoped[0].Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}
	workers := pod(list(gpu, "2", "memory", "8Gi"), nil)
	workers.Path, workers.Count = []string{"run", "worker"}, 3
	elastic := workers
	elastic.Spare = 2
	defaults := []corev1.LimitRange{{Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
		{Type: corev1.LimitTypeContainer, Default: list("memory", "2Gi"), DefaultRequest: list("memory", "1Gi")}}}}}
	for name, c := range map[string]struct {
		quotas []corev1.ResourceQuota
		limits []corev1.LimitRange
		pods   []Pod
		want   string
	}{
		"enough":          {quota(list("requests."+gpu, "6", "limits.memory", "24Gi", "pods", "3"), nil), nil, []Pod{workers}, ""},
		"other resources": {quota(list("services", "0", "requests.storage", "0", "requests.nvidia.com/mig-1g.5gb", "0"), nil), nil, []Pod{workers}, ""},
		"the workers together": {quota(list("requests."+gpu, "4"), nil), nil, []Pod{pod(list(gpu, "0"), nil), workers},
			"never run.worker.container.resources.limits.nvidia.com/gpu: it asks for 6 requests.nvidia.com/gpu, and resource quota team of the namespace allows 4"},
		"what is free": {quota(list("memory", "32Gi"), list("memory", "16Gi")), nil, []Pod{workers},
			"now run.worker.container.resources.limits.memory: it asks for 24Gi memory, and 16Gi of the 32Gi that resource quota team allows are free now: a new run waits until others end"},
		"more in use than allowed": {quota(list("pods", "3"), list("pods", "5")), nil, []Pod{workers},
			"now run.worker.container.resources.requests.pods: it asks for 3 pods, and 0 of the 3 that resource quota team allows are free now: a new run waits until others end"},
		"no pods":     {quota(list("pods", "0"), nil), nil, []Pod{pod(nil, nil)}, "never run.container.resources.requests.pods: it asks for 1 pods, and resource quota team of the namespace allows 0"},
		"best effort": {scoped, nil, []Pod{workers}, ""},
		"an elastic run": {quota(list("requests."+gpu, "4"), nil), nil, []Pod{elastic},
			"now run.worker.container.resources.limits.nvidia.com/gpu: all of its replicas ask for 6 requests.nvidia.com/gpu, and resource quota team of the namespace allows 4: it runs with fewer"},
		"the least of an elastic run": {quota(list("requests."+gpu, "1"), nil), nil, []Pod{elastic},
			"never run.worker.container.resources.limits.nvidia.com/gpu: it asks for 2 requests.nvidia.com/gpu, and resource quota team of the namespace allows 1"},
		"the least of an elastic run is not free": {quota(list("requests."+gpu, "6"), list("requests."+gpu, "5")), nil, []Pod{elastic},
			"now run.worker.container.resources.limits.nvidia.com/gpu: it asks for 2 requests.nvidia.com/gpu, and 1 of the 6 that resource quota team allows are free now: a new run waits until others end"},
		"an elastic run gets what is free": {quota(list("requests."+gpu, "6"), list("requests."+gpu, "3")), nil, []Pod{elastic}, ""},
		"by a default":                     {quota(list("requests.memory", "512Mi"), nil), defaults, []Pod{pod(nil, nil)}, "never run.container.resources.limits.memory: it asks for 1Gi requests.memory, and resource quota team of the namespace allows 512Mi"},
		"not a default":                    {quota(list("requests.memory", "512Mi"), nil), defaults, []Pod{pod(list("memory", "256Mi"), nil)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if have := show(Quotas(c.quotas, c.limits, c.pods)); have != c.want {
				t.Errorf("have\n%s\nwant\n%s", have, c.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	limits := func(kind corev1.LimitType, most, least corev1.ResourceList) []corev1.LimitRange {
		return []corev1.LimitRange{{ObjectMeta: metav1.ObjectMeta{Name: "sizes"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{Type: kind, Max: most, Min: least}}}}}
	}
	two := pod(list("cpu", "2"), nil)
	two.Spec.Containers = append(two.Spec.Containers, corev1.Container{Name: "proxy", Resources: corev1.ResourceRequirements{Requests: list("cpu", "3")}})
	for name, c := range map[string]struct {
		limits []corev1.LimitRange
		want   string
	}{
		"enough": {limits(corev1.LimitTypeContainer, list("cpu", "3"), list("cpu", "2", "memory", "1Gi")), ""},
		"a container": {limits(corev1.LimitTypeContainer, list("cpu", "2500m"), nil),
			"never run.container.resources.limits.cpu: container proxy asks for 3 cpu, and limit range sizes of the namespace allows at most 2500m"},
		"the pod": {limits(corev1.LimitTypePod, list("cpu", "4"), nil), "never run.container.resources.limits.cpu: the pod asks for 5 cpu, and limit range sizes of the namespace allows at most 4"},
		"too little": {limits(corev1.LimitTypeContainer, nil, list("cpu", "2500m")),
			"never run.container.resources.limits.cpu: container main asks for 2 cpu, and limit range sizes of the namespace wants at least 2500m"},
		"claims": {limits(corev1.LimitTypePersistentVolumeClaim, list("cpu", "1"), nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if have := show(Limits(c.limits, []Pod{two})); have != c.want {
				t.Errorf("have\n%s\nwant\n%s", have, c.want)
			}
		})
	}
}
