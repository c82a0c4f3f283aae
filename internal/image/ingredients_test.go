package image

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// Planning and pushing an image report by name what differs from the last image, even on a
// machine that has no cache.
func testChanged(t *testing.T, f *registrytest.Faults, r *registry.Client) {
	f.InterceptWith(nil)
	tree := files{"src/a.py": "1", "src/b.py": "1", "src/c.py": "1"}
	s := filesSpec(tree.write(t), "src")
	s.Name, s.Env = "team/changed", map[string]string{"A": "1", "B": "1"}
	push := func(s Spec) (planned, pushed []string) {
		t.Helper()
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		plan, err := Plan(t.Context(), r, recipe, nil)
		must(t, err)
		done, err := Push(t.Context(), r, recipe, []string{"v1"}, nil)
		must(t, err)
		return plan.Changed, done.Changed
	}
	if planned, pushed := push(s); planned != nil || pushed != nil {
		t.Errorf("the first image has changed: %v, %v", planned, pushed)
	}
	delete(tree, "src/c.py")
	tree["src/a.py"], tree["src/d.py"] = "2", "1"
	other := s
	other.Dir, other.Env, other.User = tree.write(t), map[string]string{"A": "2", "C": "1"}, "1000"
	must(t, os.Chmod(filepath.Join(other.Dir, "src", "b.py"), 0o755))
	want := []string{"src/a.py", "src/b.py", "src/c.py (removed)", "src/d.py (new)", "env A", "env B (removed)", "env C (new)", "user"}
	planned, pushed := push(other)
	if diff := cmp.Diff(want, planned); diff != "" {
		t.Errorf("planned: %s", diff)
	}
	if diff := cmp.Diff(want, pushed); diff != "" {
		t.Errorf("pushed: %s", diff)
	}
}

func TestChangedPackages(t *testing.T) {
	old := Ingredients{Base: "a@1", Packages: map[string]string{"numpy": "2.0 aa", "torch": "2.9 bb", "gone": "1 cc", "same": "1 dd"}}
	now := Ingredients{Base: "a@2", Packages: map[string]string{"numpy": "2.2 ee", "torch": "2.9 ff", "new": "3 gg", "same": "1 dd"}}
	want := []string{"the base", "gone 1 (removed)", "new 3 (new)", "numpy 2.0 -> 2.2", "torch 2.9"}
	if diff := cmp.Diff(want, now.since(old)); diff != "" {
		t.Error(diff)
	}
}

// Ingredients survive a round trip through an annotation, unless they are too large for
// one.
func TestIngredientsInAnAnnotation(t *testing.T) {
	few := Ingredients{Base: "a", Files: map[string]string{"a/b.py": "0123456789ab"}}
	few.Set("user", "1000")
	text, err := few.encode()
	must(t, err)
	if diff := cmp.Diff(&few, decodeIngredients(text)); diff != "" {
		t.Error(diff)
	}
	manifest, err := withIngredients([]byte(`{"schemaVersion":2,"annotations":{"a":"b"}}`), text)
	must(t, err)
	if want := `{"annotations":{"a":"b","` + annotationIngredients + `":"` + text + `"},"schemaVersion":2}`; string(manifest) != want {
		t.Errorf("%s, want %s", manifest, want)
	}
	many := Ingredients{Files: map[string]string{}}
	for n := range 160_000 {
		name := short(fmt.Append(nil, n))
		many.Files[name] = name
	}
	if text, err := many.encode(); err != nil || text != "" {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	for _, text := range []string{"", "?", "AAAA", base64.StdEncoding.EncodeToString([]byte("no gzip"))} {
		if c := decodeIngredients(text); c != nil {
			t.Errorf("%q is %v", text, c)
		}
	}
}
