package manifest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/secret"
)

// entry is an object in the inventory of a project.
type entry struct {
	kind schema.GroupVersionKind
	name string
}

// inventory is what slipway has applied for a project. It is kept in a ConfigMap of the
// namespace, because nothing else finds objects of any kind: a label can only be asked for
// by one request for each kind of the cluster. An object is in it before it is applied, and
// until it is deleted, so none is lost when slipway is interrupted.
type inventory []entry

var configMap = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

// inventoryKey is the key of the ConfigMap that has an object in each line.
const inventoryKey = "objects"

// InventoryName returns the name of the ConfigMap with the inventory of a project.
func InventoryName(project string) string { return "slipway-manifests-" + project }

// readInventory returns the inventory of a project.
func readInventory(ctx context.Context, s Store, project string) (inventory, error) {
	stored, err := s.Get(ctx, configMap, InventoryName(project))
	if err != nil || stored == nil {
		return nil, err
	}
	text, _, _ := unstructured.NestedString(stored.Object, "data", inventoryKey)
	var all inventory
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("ConfigMap %s has a line that is not GROUP/VERSION KIND NAME: %q", InventoryName(project), strings.TrimSpace(line))
		}
		version, err := schema.ParseGroupVersion(words[0])
		if err != nil {
			return nil, fmt.Errorf("ConfigMap %s: %w", InventoryName(project), err)
		}
		all = append(all, entry{version.WithKind(words[1]), words[2]})
	}
	return all, nil
}

// write replaces the inventory of a project.
func (i inventory) write(ctx context.Context, s Store, project string) error {
	var text strings.Builder
	for _, e := range i {
		fmt.Fprintf(&text, "%s %s %s\n", e.kind.GroupVersion(), e.kind.Kind, e.name)
	}
	made := &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{inventoryKey: text.String()}}}
	made.SetGroupVersionKind(configMap)
	made.SetName(InventoryName(project))
	made.SetLabels(map[string]string{secret.LabelManagedBy: "slipway", secret.LabelProject: project})
	_, err := s.Apply(ctx, made, true, false)
	return err
}

// has reports whether the inventory has an object, in any version of its kind.
func (i inventory) has(e entry) bool {
	return slices.ContainsFunc(i, func(x entry) bool { return x.kind.GroupKind() == e.kind.GroupKind() && x.name == e.name })
}

// with returns the inventory with more objects.
func (i inventory) with(more ...entry) inventory {
	all := slices.Clone(i)
	for _, e := range more {
		if !all.has(e) {
			all = append(all, e)
		}
	}
	return all
}

// without returns the inventory without some objects.
func (i inventory) without(gone inventory) inventory {
	return slices.DeleteFunc(slices.Clone(i), gone.has)
}
