package cluster

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestRequests(t *testing.T) {
	const gpu = v1.ResourceName("nvidia.com/gpu")
	container := func(n string) v1.Container {
		return v1.Container{Resources: v1.ResourceRequirements{Limits: v1.ResourceList{gpu: resource.MustParse(n)}}}
	}
	always := v1.ContainerRestartPolicyAlways
	sidecar := container("1")
	sidecar.RestartPolicy = &always
	for what, test := range map[string]struct {
		spec v1.PodSpec
		want int64
	}{
		"none":                  {v1.PodSpec{Containers: []v1.Container{{}}}, 0},
		"two side by side":      {v1.PodSpec{Containers: []v1.Container{container("1"), container("2")}}, 3},
		"one before, with more": {v1.PodSpec{InitContainers: []v1.Container{container("4")}, Containers: []v1.Container{container("2")}}, 4},
		"one before, with less": {v1.PodSpec{InitContainers: []v1.Container{container("1")}, Containers: []v1.Container{container("2")}}, 2},
		"a sidecar":             {v1.PodSpec{InitContainers: []v1.Container{sidecar}, Containers: []v1.Container{container("2")}}, 3},
	} {
		if got := Requests(&test.spec, false)[gpu]; got.Value() != test.want {
			t.Errorf("%s: %d, want %d", what, got.Value(), test.want)
		}
	}
}
