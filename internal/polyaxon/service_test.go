package polyaxon

import (
	"fmt"
	"net/http"
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
		{`{"run":{"isExternal":true,"environment":{"annotations":{"slipway/page":"docs","other":1}}}}`, Service{External: true, Page: "docs"}, 0},
		{"", Service{}, 0},
	} {
		r := &Run{Content: test.content}
		if got := r.Service(); !reflect.DeepEqual(got, test.want) || r.GPUs() != test.gpus {
			t.Errorf("%s: %+v, %d GPUs", test.content, got, r.GPUs())
		}
	}
}

// TestServicePath checks the address of a service against the routes of the gateways of
// both releases. That of 2.x takes the port from the path, and has no route without one.
func TestServicePath(t *testing.T) {
	for content, want := range map[string][2]string{
		`{"run":{"ports":[8888]}}`:                             {"/services/v1/ns/default/p/runs/u/", "/services/v1/ns/default/p/runs/u/8888/"},
		`{"run":{"ports":["8501",1],"rewritePath":true}}`:      {"/rewrite-services/v1/ns/default/p/runs/u/", "/rewrite-services/v1/ns/default/p/runs/u/8501/"},
		`{"run":{"ports":[80],"isExternal":true}}`:             {"", "/external/v1/ns/default/p/runs/u/80/"},
		`{"run":{"isExternal":true,"rewritePath":true}}`:       {"", "/rewrite-external/v1/ns/default/p/runs/u/80/"},
		`{"run":{"ports":[5000],"rewritePath":"false"},"x":1}`: {"/services/v1/ns/default/p/runs/u/", "/services/v1/ns/default/p/runs/u/5000/"},
	} {
		for i, version := range []string{"1.11.3", "2.18.0"} {
			asked := 0
			c := serving(t, func(w http.ResponseWriter, _ *http.Request) { asked++; fmt.Fprintf(w, `{"version":%q}`, version) })
			r := &Run{UUID: "u", Project: "p", Content: content}
			for range 2 {
				got, err := c.ServicePath(t.Context(), r, "ns")
				if err != nil || got != want[i] && want[i] != "" {
					t.Errorf("%s on %s: %s, %v; want %s", content, version, got, err, want[i])
				}
			}
			if asked != 1 {
				t.Errorf("the server is asked %d times for its version", asked)
			}
		}
	}
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	if got, err := c.ServiceURL(t.Context(), &Run{UUID: "u", Project: "p"}, "ns"); err == nil {
		t.Errorf("of a server that says nothing: %s", got)
	}
}
