package compose

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

func TestPatchStrategies(t *testing.T) {
	base := func() map[string]any {
		return map[string]any{
			"name": "old", "tags": []any{"a", "b"}, "termination": map[string]any{"timeout": 1}, "schedule": map[string]any{"kind": "cron", "cron": "* * * * *"},
			"runPatch":  map[string]any{"container": map[string]any{"image": "old"}},
			"component": map[string]any{"run": map[string]any{"kind": "job"}},
		}
	}
	over := map[string]any{
		"name": "new", "queue": "q", "tags": []any{"b", "c"}, "termination": map[string]any{"timeout": 2, "ttl": 3}, "schedule": map[string]any{"kind": "interval", "frequency": 5},
		"runPatch": map[string]any{"container": map[string]any{"image": "new", "workingDir": "/w"}},
	}
	for strategy, want := range map[string]map[string]any{
		postMerge: {
			"name": "new", "queue": "q", "tags": []any{"a", "b", "c"}, "termination": map[string]any{"timeout": 2, "ttl": 3}, "schedule": over["schedule"],
			"runPatch": over["runPatch"],
		},
		preMerge: {
			"name": "old", "queue": "q", "tags": []any{"b", "c", "a"}, "termination": map[string]any{"timeout": 1, "ttl": 3}, "schedule": base()["schedule"],
			"runPatch": map[string]any{"container": map[string]any{"image": "old", "workingDir": "/w"}},
		},
		replace: {
			"name": "new", "queue": "q", "tags": []any{"b", "c"}, "termination": map[string]any{"timeout": 2, "ttl": 3}, "schedule": over["schedule"],
			"runPatch": over["runPatch"],
		},
		isNull: {
			"name": "old", "queue": "q", "tags": []any{"a", "b"}, "termination": map[string]any{"timeout": 1, "ttl": 3}, "schedule": base()["schedule"],
			"runPatch": map[string]any{"container": map[string]any{"image": "old", "workingDir": "/w"}},
		},
	} {
		want["component"] = base()["component"]
		if diff := cmp.Diff(want, ApplyPreset(base(), over, strategy)); diff != "" {
			t.Errorf("%s: %s", strategy, diff)
		}
	}
}

// FuzzPatch merges any value into any other. It checks that there is no panic, that the base
// stays unchanged, and that the strategy that only fills empty values keeps existing
// ones.
func FuzzPatch(f *testing.F) {
	f.Add(`{"tags": ["a"], "runPatch": {"container": {"image": "a"}}, "component": {"run": {"kind": "job"}}}`, `{"tags": ["b"], "runPatch": {"container": {"env": []}}}`, isNull)
	f.Add(`{"matrix": {"kind": "grid"}}`, `{"matrix": {"kind": "random"}, "termination": {}, "inputs": [1]}`, postMerge)
	f.Add(`{"component": {"run": {"kind": "tfjob", "worker": {}}}}`, `{"run": {"worker": {"container": {}}}, "cmd": ["a"]}`, preMerge)
	f.Add(`{}`, `{"run": {}}`, isNull)
	f.Add(`{"name": "a", "run": {"kind": "job"}, "runPatch": {}}`, `{"name": "b", "runPatch": {"container": 1}}`, isNull)
	f.Fuzz(func(t *testing.T, first, second, strategy string) {
		var base, over map[string]any
		if json.Unmarshal([]byte(first), &base) != nil || json.Unmarshal([]byte(second), &over) != nil || base == nil {
			return
		}
		before := plain.Clone(base)
		patched := ApplyPreset(base, over, strategy)
		if diff := cmp.Diff(before, base); diff != "" {
			t.Errorf("the base was changed: %s", diff)
		}
		for key, value := range base {
			// A run has rules of its own, and mappings are filled.
			_, isMapping := value.(map[string]any)
			if strategy != isNull || value == nil || isMapping || key == "run" || key == "runPatch" {
				continue
			}
			if diff := cmp.Diff(value, patched[key]); diff != "" {
				t.Errorf("%s on %s did not keep %s: %s", second, first, key, diff)
			}
		}
	})
}

// TestPatchThatDoesNotFit checks that a runPatch that cannot be applied is kept, so that
// checking the operation reports it, and that the attempt leaves no trace.
func TestPatchThatDoesNotFit(t *testing.T) {
	base := map[string]any{"run": map[string]any{"kind": "job"}, "runPatch": map[string]any{"container": map[string]any{}}}
	over := map[string]any{"runPatch": map[string]any{"worker": 1}}
	want := map[string]any{"run": map[string]any{"kind": "job"}, "runPatch": map[string]any{"container": map[string]any{}, "worker": 1}}
	if diff := cmp.Diff(want, ApplyPreset(base, over, postMerge)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"run": map[string]any{}}, ApplyPreset(map[string]any{}, map[string]any{"run": map[string]any{}}, isNull)); diff != "" {
		t.Error(diff)
	}
}
