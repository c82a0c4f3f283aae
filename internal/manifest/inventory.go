package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/secret"
)

// entry is an object in the inventory of a project. It is in the namespace of the inventory, or
// in none.
type entry struct {
	kind schema.GroupVersionKind
	name string
}

// is reports whether two entries are of one object, in whatever versions of its kind.
func (e entry) is(other entry) bool {
	return e.kind.GroupKind() == other.kind.GroupKind() && e.name == other.name
}

// inventory is what slipway has applied for a project. It is kept in a ConfigMap of the
// namespace, because nothing else finds objects of any kind: a label can only be asked for
// by one request for each kind of the cluster. An object is in it before it is applied, and
// until it is deleted, so none is lost when slipway is interrupted.
type inventory struct {
	entries []entry
	// stored is the ConfigMap, or nil if there is none.
	stored *unstructured.Unstructured
}

var configMap = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

// inventoryKey is the key of the ConfigMap that has an object in each line.
const inventoryKey = "objects"

// InventoryName returns the name of the ConfigMap with the inventory of a project.
func InventoryName(project string) string { return "slipway-manifests-" + project }

// readInventory returns the inventory of a project.
func readInventory(ctx context.Context, s Store, project string) (inventory, error) {
	stored, err := s.Get(ctx, configMap, InventoryName(project))
	if err != nil || stored == nil {
		return inventory{}, err
	}
	text, _, _ := unstructured.NestedString(stored.Object, "data", inventoryKey)
	i := inventory{stored: stored}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 3 {
			return inventory{}, fmt.Errorf("ConfigMap %s has a line that is not GROUP/VERSION KIND NAME: %q", InventoryName(project), strings.TrimSpace(line))
		}
		version, err := schema.ParseGroupVersion(words[0])
		if err != nil {
			return inventory{}, fmt.Errorf("ConfigMap %s: %w", InventoryName(project), err)
		}
		i.entries = append(i.entries, entry{version.WithKind(words[1]), words[2]})
	}
	return i, nil
}

// changeInventory replaces the entries of a project's inventory by what change makes of them. If
// another command changes the inventory meanwhile, it does so again with what that one wrote.
func changeInventory(ctx context.Context, s Store, project string, change func([]entry) []entry) error {
	for n := 1; ; n++ {
		i, err := readInventory(ctx, s, project)
		if err != nil {
			return err
		}
		entries := change(with(nil, i.entries...))
		if slices.Equal(entries, i.entries) {
			return nil
		}
		err = i.write(ctx, s, project, entries)
		if changed := new(cluster.ChangedError); !errors.As(err, &changed) || n == 2*maxAttempts {
			return err
		}
	}
}

// write replaces the entries in the cluster. The error is a *cluster.ChangedError if they are not
// those that were read.
func (i inventory) write(ctx context.Context, s Store, project string, entries []entry) error {
	var text strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&text, "%s %s %s\n", e.kind.GroupVersion(), e.kind.Kind, e.name)
	}
	made := &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{inventoryKey: text.String()}}}
	made.SetGroupVersionKind(configMap)
	made.SetName(InventoryName(project))
	made.SetLabels(map[string]string{secret.LabelManagedBy: "slipway", secret.LabelProject: project})
	if i.stored == nil {
		return s.Create(ctx, made)
	}
	made.SetResourceVersion(i.stored.GetResourceVersion())
	_, _, err := s.Apply(ctx, made, true, false)
	return err
}

// record puts the objects into the inventory.
func (w Wanted) record(ctx context.Context, s Store) error {
	return changeInventory(ctx, s, w.Project, func(entries []entry) []entry { return with(entries, w.entries()...) })
}

// with returns entries and more of them. There is one entry for each object, in the version of its
// kind that came last.
func with(entries []entry, more ...entry) []entry {
	all := slices.Clone(entries)
	for _, e := range more {
		if n := slices.IndexFunc(all, e.is); n >= 0 {
			all[n] = e
		} else {
			all = append(all, e)
		}
	}
	return all
}

// without returns entries without some of them.
func without(entries, gone []entry) []entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return slices.ContainsFunc(gone, e.is) })
}
