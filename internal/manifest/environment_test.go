package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestEnvironment adds variables to the containers that have the image, wherever a kind has its pods.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	pod := func(items ...any) map[string]any {
		return map[string]any{"initContainers": []any{map[string]any{"name": "init", "image": "slipway://api"}}, "containers": items}
	}
	o := &Object{object: &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"predictor": pod(
		map[string]any{"name": "a", "image": "slipway://api", "env": []any{map[string]any{"name": "RUN", "value": "mine"}}},
		map[string]any{"name": "b", "image": "other"},
	)}, "image": "slipway://api"}}}
	before := o.object.DeepCopy()
	got := o.withEnvironment(map[string]map[string]string{"api": {"RUN": "r", "PATH": "p"}, "none": {"X": "y"}})
	variable := func(name, value string) any { return map[string]any{"name": name, "value": value} }
	want := map[string]any{"spec": map[string]any{"predictor": map[string]any{
		"initContainers": []any{map[string]any{"name": "init", "image": "slipway://api", "env": []any{variable("PATH", "p"), variable("RUN", "r")}}},
		"containers": []any{
			map[string]any{"name": "a", "image": "slipway://api", "env": []any{variable("RUN", "mine"), variable("PATH", "p")}},
			map[string]any{"name": "b", "image": "other"},
		},
	}}, "image": "slipway://api"}
	if diff := cmp.Diff(want, got.object.Object); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(before.Object, o.object.Object); diff != "" {
		t.Errorf("the object itself has changed (-want +got)\n%s", diff)
	}
	if !o.HasContainer("api") || o.HasContainer("none") {
		t.Error("HasContainer")
	}
}
