package manifest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// memory is a Store in memory. Its writes fail once left is 0.
type memory struct {
	objects map[string]*unstructured.Unstructured
	version int
	left    int
	// refuse, if not nil, is the answer to each apply of a Service.
	refuse error
}

var errBroken = errors.New("the connection is broken")

func (m *memory) key(kind schema.GroupVersionKind, name string) string { return kind.Kind + " " + name }

func (m *memory) write() error {
	if m.left == 0 {
		return errBroken
	}
	m.left--
	return nil
}

func (m *memory) Get(_ context.Context, kind schema.GroupVersionKind, name string) (*unstructured.Unstructured, error) {
	return m.objects[m.key(kind, name)], nil
}

func (m *memory) Apply(_ context.Context, object *unstructured.Unstructured, _, dryRun bool) (*unstructured.Unstructured, bool, error) {
	object = object.DeepCopy()
	if kind := object.GetKind(); !strings.HasPrefix(kind, "Cluster") && kind != "Namespace" {
		object.SetNamespace("serving")
	}
	if dryRun {
		object.SetResourceVersion("")
		return object, false, nil
	}
	if m.refuse != nil && object.GetKind() == "Service" {
		return nil, false, m.refuse
	}
	now := m.objects[m.key(object.GroupVersionKind(), object.GetName())]
	if version := object.GetResourceVersion(); version != "" && (now == nil || now.GetResourceVersion() != version) {
		return nil, false, &cluster.ChangedError{Err: errBroken}
	}
	if now != nil && equality.Semantic.DeepEqual(essence(now), essence(object)) {
		return now, false, nil
	}
	if err := m.write(); err != nil {
		return nil, false, err
	}
	m.store(object)
	return object, now == nil, nil
}

// store stores an object as a new version.
func (m *memory) store(object *unstructured.Unstructured) {
	m.version++
	object.SetResourceVersion(strconv.Itoa(m.version))
	m.objects[m.key(object.GroupVersionKind(), object.GetName())] = object
}

func (m *memory) Patch(context.Context, schema.GroupVersionKind, string, []byte, bool) (*unstructured.Unstructured, error) {
	return nil, errors.New("nothing is applied on the client side here")
}

func (m *memory) Create(_ context.Context, object *unstructured.Unstructured) error {
	if m.objects[m.key(object.GroupVersionKind(), object.GetName())] != nil {
		return &cluster.ChangedError{Err: errBroken}
	}
	if err := m.write(); err != nil {
		return err
	}
	m.store(object.DeepCopy())
	return nil
}

func (m *memory) Update(_ context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	now := m.objects[m.key(object.GroupVersionKind(), object.GetName())]
	if now == nil || now.GetResourceVersion() != object.GetResourceVersion() {
		return nil, &cluster.ChangedError{Err: errBroken}
	}
	if err := m.write(); err != nil {
		return nil, err
	}
	object = object.DeepCopy()
	m.store(object)
	return object, nil
}

func (m *memory) Delete(_ context.Context, object *unstructured.Unstructured, dryRun bool) error {
	key := m.key(object.GroupVersionKind(), object.GetName())
	if now := m.objects[key]; now != nil && now.GetResourceVersion() != object.GetResourceVersion() {
		return &cluster.ChangedError{Err: errBroken}
	}
	if dryRun {
		return nil
	}
	if err := m.write(); err != nil {
		return err
	}
	delete(m.objects, key)
	return nil
}

// names returns what is stored, apart from the inventory.
func (m *memory) names() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.objects)), func(name string) bool { return strings.Contains(name, InventoryName("p")) })
}

func wanted(names ...string) Wanted {
	w := Wanted{Project: "p", Prune: true}
	for _, name := range names {
		object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": name}}}
		w.Objects = append(w.Objects, &Object{object: object})
	}
	return w
}

func applyAll(ctx context.Context, m *memory, w Wanted) error {
	changes, err := Plan(ctx, m, w)
	if err == nil {
		_, err = Apply(ctx, m, w, changes)
	}
	if err == nil {
		_, err = DeletePruned(ctx, m, w, changes)
	}
	return err
}

// TestNothingIsLost breaks an apply at each of its writes, and names other objects then. What
// the broken one has created is pruned, and what slipway did not apply stays.
func TestNothingIsLost(t *testing.T) {
	for writes := range 7 {
		foreign := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "foreign"}}}
		m := &memory{objects: map[string]*unstructured.Unstructured{"Service foreign": foreign}, left: 1000}
		if err := applyAll(t.Context(), m, wanted("a", "b")); err != nil {
			t.Fatal(err)
		}
		m.left = writes
		if err := applyAll(t.Context(), m, wanted("b", "c", "d")); !errors.Is(err, errBroken) && (err != nil || writes < 5) {
			t.Errorf("%d writes: %v", writes, err)
		}
		m.left = 1000
		if err := applyAll(t.Context(), m, wanted("b")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Service b", "Service foreign"}, m.names()); diff != "" {
			t.Errorf("%d writes (-want +got)\n%s", writes, diff)
		}
		m.left = 0 // there is nothing to write
		if err := applyAll(t.Context(), m, wanted("b")); err != nil {
			t.Error(err)
		}
	}
}

// TestRollback breaks an apply at its second object. Only what it has changed is put back.
func TestRollback(t *testing.T) {
	m := &memory{objects: map[string]*unstructured.Unstructured{}, left: 1000}
	if err := applyAll(t.Context(), m, wanted("a")); err != nil {
		t.Fatal(err)
	}
	before := m.objects["Service a"]
	w := wanted("a", "b", "c")
	w.Objects[0].object.SetAnnotations(map[string]string{"changed": "yes"})
	changes, err := Plan(t.Context(), m, w)
	if err != nil {
		t.Fatal(err)
	}
	m.left = 2 // the inventory, and a
	made, err := Apply(t.Context(), m, w, changes)
	if !errors.Is(err, errBroken) || len(made) != 2 || m.objects["Service a"].GetAnnotations()["changed"] != "yes" {
		t.Fatalf("it made %v, %v", made, err)
	}
	m.left = 1000
	m.objects["Service c"] = before.DeepCopy() // somebody else has made it meanwhile
	did, err := Rollback(t.Context(), m, made)
	if err != nil || len(did) != 2 || did[0].Action != RollBack || did[1].Action != RollBack {
		t.Fatal(did, err)
	}
	if diff := cmp.Diff([]string{"Service a", "Service c"}, m.names()); diff != "" {
		t.Errorf("it is not as before (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(essence(before), essence(m.objects["Service a"])); diff != "" {
		t.Errorf("it is not as before (-want +got)\n%s", diff)
	}
}

// TestRollbackLeavesOthers makes an object between the plan and the apply. The rollback does
// not delete it, and a write that the server refused is not rolled back.
func TestRollbackLeavesOthers(t *testing.T) {
	m := &memory{objects: map[string]*unstructured.Unstructured{}, left: 1000}
	w := wanted("a", "b")
	changes, err := Plan(t.Context(), m, w)
	if err != nil {
		t.Fatal(err)
	}
	own := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "b", "namespace": "serving"}}}
	m.objects["Service b"] = own
	made, err := Apply(t.Context(), m, w, changes)
	if err != nil || len(made) != 2 || made[1].Action != Update {
		t.Fatalf("it made %v, %v", made, err)
	}
	if _, err := Rollback(t.Context(), m, made); err != nil || len(m.names()) != 1 || !cmp.Equal(essence(own), essence(m.objects["Service b"])) {
		t.Errorf("%v is left, %v", m.names(), err)
	}
	m.refuse = apierrors.NewConflict(schema.GroupResource{Resource: "services"}, "a", errBroken)
	if made, err := Apply(t.Context(), m, w, changes); err == nil || len(made) != 0 {
		t.Errorf("a refused write made %v, %v", made, err)
	}
}

// TestPruneKeeps leaves what holds data, and what other namespaces may use.
func TestPruneKeeps(t *testing.T) {
	m := &memory{objects: map[string]*unstructured.Unstructured{}, left: 1000}
	w := wanted("a")
	for _, kind := range []string{"PersistentVolumeClaim", "Namespace", "ClusterRole"} {
		w.Objects = append(w.Objects, &Object{object: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": "x"}}}})
	}
	if err := applyAll(t.Context(), m, w); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := applyAll(t.Context(), m, wanted()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"ClusterRole x", "Namespace x", "PersistentVolumeClaim x"}, m.names()); diff != "" {
			t.Error(diff)
		}
	}
}

// TestOtherProject refuses an object that belongs to another project, and does not prune it.
func TestOtherProject(t *testing.T) {
	m := &memory{objects: map[string]*unstructured.Unstructured{}, left: 1000}
	if err := applyAll(t.Context(), m, wanted("a")); err != nil {
		t.Fatal(err)
	}
	other := wanted("a")
	other.Project = "q"
	if _, err := Plan(t.Context(), m, other); err == nil || !strings.Contains(err.Error(), "Service a was applied by slipway for project p") {
		t.Errorf("it ends with %v", err)
	}
	m.objects["Service a"].SetLabels(nil) // somebody has made it again
	if err := applyAll(t.Context(), m, wanted()); err != nil || len(m.names()) != 1 {
		t.Errorf("%v is left, %v", m.names(), err)
	}
}

// TestMaskedDiff checks that a diff does not show the values of a Secret.
func TestMaskedDiff(t *testing.T) {
	made := func(token, applied string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{
			"name": "s", "annotations": map[string]any{lastApplied: applied, "a": "b"}, "resourceVersion": token,
		}, "data": map[string]any{"token": token, "same": "c2FtZQ=="}}}
	}
	before, after := made("b25l", `{"data":"one"}`), made("dHdv", `{"data":"two"}`)
	c := (&Object{}).changeOf(after, before, after)
	for _, value := range []string{"b25l", "dHdv", "c2FtZQ", "one", "two"} {
		if strings.Contains(c.Diff, value) {
			t.Errorf("it shows %s:\n%s", value, c.Diff)
		}
	}
	if !strings.Contains(c.Diff, "-  token: '***'\n+  token: '*** (changed)'\n") || strings.Contains(c.Diff, "-  same") || c.Action != Update {
		t.Errorf("%s\n%s", c.Action, c.Diff)
	}
	if c := (&Object{}).changeOf(after, before, made("b25l", `{"data":"one"}`)); c.Action != Unchanged || c.Diff != "" {
		t.Errorf("%s\n%s", c.Action, c.Diff)
	}
	if c := (&Object{}).changeOf(after, nil, after); c.Action != Create || strings.Contains(c.Diff, "dHdv") || !strings.Contains(c.Diff, "+  token: '***'") {
		t.Errorf("%s\n%s", c.Action, c.Diff)
	}
}
