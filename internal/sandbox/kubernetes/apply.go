package kubernetes

import (
	"encoding/json"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// apply is server-side apply. It creates the object if it does not exist; the second
// result reports whether it did.
func (o *objects) apply(t target, body []byte, by writing) (object, bool, error) {
	text, err := yaml.YAMLToJSON(body)
	if err != nil {
		return nil, false, apierrors.NewBadRequest("error decoding YAML: " + err.Error())
	}
	applied := t.kind.empty()
	if err := json.Unmarshal(text, applied); err != nil {
		return nil, false, apierrors.NewBadRequest(err.Error())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if applied.GetName() == "" {
		applied.SetName(t.name)
	}
	old := o.byKey[key(t.kind, t.namespace, t.name)]
	if err := t.matches(applied, old); err != nil {
		return nil, false, err
	}
	live := t.kind.empty()
	if old != nil {
		live = old.DeepCopyObject().(object)
	} else {
		if err := o.checkPlacement(applied, t.kind, t.namespace); err != nil {
			return nil, false, err
		}
		live.SetName(t.name)
		live.SetNamespace(t.namespace)
	}
	live.GetObjectKind().SetGroupVersionKind(t.kind.gvk())
	applied.SetNamespace(t.namespace)
	applied.SetManagedFields(nil)
	applied.GetObjectKind().SetGroupVersionKind(t.kind.gvk())
	sent, err := applyObject(text, applied, t)
	if err != nil {
		return nil, false, err
	}
	merged, err := o.managers[t.kind.name].Apply(live, sent, by.manager, by.force)
	if err != nil {
		return nil, false, err
	}
	if merged == nil { // nothing changes
		return live, false, nil
	}
	x := complete(merged.(object), t.kind)
	stored, err := o.store(x, old, t.kind, by.dry)
	return stored, old == nil, err
}

// applyObject returns the object exactly as the request has it. Fields that are absent
// must stay absent, which typed objects cannot express.
func applyObject(text []byte, typed object, t target) (runtime.Object, error) {
	sent := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, &sent.Object); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	sent.SetGroupVersionKind(t.kind.gvk())
	sent.SetName(typed.GetName())
	sent.SetNamespace(typed.GetNamespace())
	return sent, nil
}
