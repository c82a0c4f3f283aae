package converter

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// TestContainer checks what the converters of both versions make of a container. The
// differential tests of package compile check the expected values against Polyaxon.
func TestContainer(t *testing.T) {
	container := map[string]any{
		"image": "a:1", "command": []any{"/bin/prog"}, "args": []any{"--a", true, "", nil, 0, 0.0, "0", "x"},
		"env":       []any{map[string]any{"name": "C", "value": 1e-05}, map[string]any{"name": "L", "value": []any{1, 2}}, map[string]any{"name": "N", "value": nil}, map[string]any{"name": "E", "value": ""}},
		"resources": map[string]any{"limits": map[string]any{"cpu": 1, "memory": "1Gi"}},
	}
	variables := func(l, c string) []any {
		return []any{
			map[string]any{"name": "C", "value": c}, map[string]any{"name": "L", "value": l}, map[string]any{"name": "N", "value": "null"}, map[string]any{"name": "E", "value": ""},
		}
	}
	for version, want := range map[schema.Version]map[string]any{
		{Major: 1, Minor: 11, Patch: 3}: {"args": []any{"--a", "True", "0", "x"}, "env": variables("[1, 2]", "1e-05")},
		{Major: 2, Minor: 18}:           {"args": []any{"--a", "True", "0", "0.0", "0", "x"}, "env": append(variables("[1,2]", "0.00001"), map[string]any{"name": "NVIDIA_VISIBLE_DEVICES", "value": "none"})},
	} {
		template := Run{Version: version, Kind: "job", Spec: map[string]any{"container": container}}.Template()
		want["image"], want["command"], want["name"] = "a:1", []any{"/bin/prog"}, Main
		want["resources"] = map[string]any{"limits": map[string]any{"cpu": "1", "memory": "1Gi"}}
		have := mapping(list(mapping(template["spec"])["containers"])[0])
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s: %s", version, diff)
		}
	}
}
