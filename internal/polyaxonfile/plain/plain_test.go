package plain_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// TestCopiesShareNothing changes every mapping and list of a copy, and checks that the
// original stays as it was.
func TestCopiesShareNothing(t *testing.T) {
	t.Parallel()
	original := func() map[string]any {
		return map[string]any{"m": map[string]any{"l": []any{map[string]any{"k": 1}, []any{"a"}, nil}}, "empty": []any{}, "none": nil, "f": 1.5}
	}
	for name, copied := range map[string]func(map[string]any) map[string]any{
		"Clone": plain.Clone,
		"Copy":  func(m map[string]any) map[string]any { return plain.Copy(m).(map[string]any) },
	} {
		from := original()
		to := copied(from)
		if !reflect.DeepEqual(to, from) {
			t.Errorf("%s: %v became %v", name, from, to)
		}
		spoil(to)
		if !reflect.DeepEqual(from, original()) {
			t.Errorf("%s: the original is %v after the copy was changed", name, from)
		}
	}
}

func spoil(value any) {
	switch x := value.(type) {
	case map[string]any:
		for _, key := range slices.Collect(maps.Keys(x)) {
			spoil(x[key])
			x[key] = "spoiled"
		}
		x["more"] = true
	case []any:
		for n := range x {
			spoil(x[n])
			x[n] = "spoiled"
		}
	}
}

// TestNothing checks what becomes of values that are missing or of another kind.
func TestNothing(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]map[string]any{
		"Clone(nil)": plain.Clone(nil), "Map(nil)": plain.Map(nil), "Map of a list": plain.Map([]any{1}), "Map of a nil mapping": plain.Map(map[string]any(nil)),
	} {
		if m == nil || len(m) > 0 {
			t.Errorf("%s is %#v, want an empty mapping", name, m)
		}
		m["writable"] = true
	}
	if c := plain.Copy(nil); c != nil {
		t.Errorf("the copy of nil is %#v", c)
	}
	m := map[string]any{"k": 1}
	if plain.Map(m)["new"] = 2; m["new"] != 2 {
		t.Error("Map copies")
	}
	if keys := plain.Keys(map[string]bool{"b": true, "B": false, "a": true}); !slices.Equal(keys, []string{"B", "a", "b"}) {
		t.Errorf("keys %q", keys)
	}
}
