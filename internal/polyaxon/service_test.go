package polyaxon

import (
	"reflect"
	"testing"
)

func TestServiceOfRun(t *testing.T) {
	for _, test := range []struct {
		content string
		want    Service
		gpus    int
	}{
		{`{"run":{"kind":"service","ports":[8888,"9000","x",0,70000],"rewritePath":true,"container":{"resources":{"limits":{"nvidia.com/gpu":2,"cpu":"1"},"requests":{"nvidia.com/gpu":2}}}}}`,
			Service{Ports: []int{8888, 9000}, RewritePath: true}, 2},
		{`{"run":{"kind":"service","replicas":3,"container":{"resources":{"requests":{"amd.com/gpu":"1"}}},"sidecars":[{"resources":{"limits":{"cpu":1}}}]}}`, Service{}, 3},
		{`{"run":{"kind":"tfjob","worker":{"replicas":4,"container":{"resources":{"limits":{"nvidia.com/gpu":1}}}},"chief":{"container":{"resources":{"limits":{"nvidia.com/gpu":1}}}}}}`, Service{}, 5},
		{`{"run":{"rewritePath":"true","container":{"resources":"{{ x }}"}}}`, Service{RewritePath: true}, 0},
		{"", Service{}, 0},
	} {
		r := &Run{Content: test.content}
		if got := r.Service(); !reflect.DeepEqual(got, test.want) || r.GPUs() != test.gpus {
			t.Errorf("%s: %+v, %d GPUs", test.content, got, r.GPUs())
		}
	}
}
