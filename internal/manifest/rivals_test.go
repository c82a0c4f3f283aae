package manifest

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// rival is a memory in which another command acts before the first write of the inventory.
type rival struct {
	*memory
	acts func()
}

func (r *rival) act() {
	if acts := r.acts; acts != nil {
		r.acts = nil
		acts()
	}
}

func (r *rival) Create(ctx context.Context, object *unstructured.Unstructured) error {
	r.act()
	return r.memory.Create(ctx, object)
}

func (r *rival) Apply(ctx context.Context, object *unstructured.Unstructured, force, dryRun bool) (*unstructured.Unstructured, bool, error) {
	if object.GetName() == InventoryName("p") {
		r.act()
	}
	return r.memory.Apply(ctx, object, force, dryRun)
}

// TestInventoryOfTwo applies two sets of objects at once. Both are in the inventory, whether there
// was one before or not.
func TestInventoryOfTwo(t *testing.T) {
	for _, earlier := range []string{"", "z"} {
		m := &memory{objects: map[string]*unstructured.Unstructured{}, left: 1000}
		want := "v1 Service b\nv1 Service a\n"
		if earlier != "" {
			if err := applyAll(t.Context(), m, wanted(earlier)); err != nil {
				t.Fatal(err)
			}
			want = "v1 Service z\n" + want
		}
		apply := func(s Store, name string) {
			w := wanted(name)
			w.Prune = false
			changes, err := Plan(t.Context(), s, w)
			if err == nil {
				_, err = Apply(t.Context(), s, w, changes)
			}
			if err != nil {
				t.Error(err)
			}
		}
		apply(&rival{m, func() { apply(m, "b") }}, "a")
		text, _, _ := unstructured.NestedString(m.objects["ConfigMap "+InventoryName("p")].Object, "data", inventoryKey)
		if diff := cmp.Diff(want, text); diff != "" {
			t.Errorf("the inventory (-want +got)\n%s", diff)
		}
	}
}

// TestInventoryVersions has one entry for an object, in the version that was applied last.
func TestInventoryVersions(t *testing.T) {
	entryOf := func(version string) entry {
		return entry{schema.GroupVersionKind{Group: "autoscaling", Version: version, Kind: "HorizontalPodAutoscaler"}, "api"}
	}
	if diff := cmp.Diff([]entry{entryOf("v2")}, with([]entry{entryOf("v1")}, entryOf("v2")), cmp.AllowUnexported(entry{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestUndo takes back what an apply changed, and keeps what others changed since.
func TestUndo(t *testing.T) {
	object := func(image string, replicas int64, more ...any) *unstructured.Unstructured {
		containers := append([]any{map[string]any{"name": "api", "image": image}}, more...)
		return &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "api"}, "spec": map[string]any{"replicas": replicas, "containers": containers}}}
	}
	sidecar := map[string]any{"name": "sidecar", "image": "s:1"}
	for name, c := range map[string]struct{ before, after, now, want *unstructured.Unstructured }{
		"nothing else":               {object("a:1", 1), object("a:2", 1), object("a:2", 1), object("a:1", 1)},
		"an autoscaler":              {object("a:1", 1), object("a:2", 1), object("a:2", 5), object("a:1", 5)},
		"an autoscaler, and so do I": {object("a:1", 1), object("a:2", 2), object("a:2", 5), object("a:1", 5)},
		"a sidecar":                  {object("a:1", 1), object("a:2", 1), object("a:2", 1, sidecar), object("a:1", 1, sidecar)},
		"another image":              {object("a:1", 1), object("a:2", 1), object("a:3", 1), nil},
		"it is put back already":     {object("a:1", 1), object("a:2", 1), object("a:1", 1), object("a:1", 1)},
	} {
		got, clear := undo(c.before, c.after, c.now)
		if diff := cmp.Diff(c.want, got); diff != "" || clear != (c.want != nil) {
			t.Errorf("%s: %t (-want +got)\n%s", name, clear, diff)
		}
	}
}

// TestLeftPods says of a StatefulSet that was put back that its pods may not follow.
func TestLeftPods(t *testing.T) {
	for text, want := range map[string]string{
		`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{}}`:                                 podsMayStay,
		`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"podManagementPolicy":"Parallel"}}`: "",
		`{"apiVersion":"apps/v1","kind":"Deployment","spec":{}}`:                                  "",
	} {
		before := &unstructured.Unstructured{}
		if err := before.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		after, now := before.DeepCopy(), before.DeepCopy()
		m := &memory{objects: map[string]*unstructured.Unstructured{}, left: 9}
		m.store(now)
		did, why, err := Change{Kind: before.GroupVersionKind(), before: before, after: after}.putBack(t.Context(), m, now)
		if err != nil || did != RollBack || why != want {
			t.Errorf("%s: %v, %q, %v", text, did, why, err)
		}
	}
}

// TestPruneLists lists what a prune leaves, and why.
func TestPruneLists(t *testing.T) {
	m := &memory{objects: map[string]*unstructured.Unstructured{}, left: 1000}
	w := wanted()
	for _, kind := range []string{"PersistentVolumeClaim", "Namespace"} {
		w.Objects = append(w.Objects, &Object{object: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": "x"}}}})
	}
	if err := applyAll(t.Context(), m, w); err != nil {
		t.Fatal(err)
	}
	changes, err := Plan(t.Context(), m, wanted())
	if err != nil {
		t.Fatal(err)
	}
	did, err := DeletePruned(t.Context(), m, wanted(), changes)
	if err != nil || len(did) != 2 || did[0].Action != Leave || !strings.Contains(did[0].Reason, "others may use it; if nobody needs it: kubectl delete namespace x") ||
		!strings.Contains(did[1].Reason, "its data would be lost") {
		t.Errorf("%+v, %v", did, err)
	}
}

// TestMaskedVariables hides the values of secret variables wherever a manifest has them, and what
// was in the same place.
func TestMaskedVariables(t *testing.T) {
	made := func(token, url string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c",
			"annotations": map[string]any{lastApplied: token}}, "env": []any{map[string]any{"name": "T", "value": token}, map[string]any{"name": "U", "value": url}}, "open": "shown"}}
	}
	o := &Object{hidden: hidden{scalars: map[string]bool{"new": true}, values: map[string]bool{"new": true, "hunter2": true}}}
	after := made("new", "postgres://u:hunter2@db")
	c := o.changeOf(after, made("former", "postgres://u:oldpass@db"), after)
	for _, value := range []string{"former", "hunter2", "oldpass", "value: new"} {
		if strings.Contains(c.Diff, value) {
			t.Errorf("it shows %s:\n%s", value, c.Diff)
		}
	}
	if !strings.Contains(c.Diff, "+  value: '*** (changed)'") {
		t.Error(c.Diff)
	}
}
