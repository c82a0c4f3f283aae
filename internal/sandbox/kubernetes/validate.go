package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxSecret is the limit of the total size of a Secret's data, in bytes.
const maxSecret = corev1.MaxSecretSize

// checkPlacement checks a new object's name and namespace. The namespace must exist.
func (o *objects) checkPlacement(x object, k kind, namespace string) error {
	if x.GetName() == "" {
		return invalid(k, "", "metadata.name", "name or generateName is required")
	}
	if problems := validation.IsDNS1123Subdomain(x.GetName()); len(problems) > 0 {
		return invalid(k, x.GetName(), "metadata.name", problems[0])
	}
	if !k.namespaced {
		x.SetNamespace("")
		return nil
	}
	if x.GetNamespace() != "" && x.GetNamespace() != namespace {
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	if _, ok := o.byKey[key(namespaceKind, "", namespace)]; !ok {
		return namespaceKind.missing(namespace)
	}
	x.SetNamespace(namespace)
	return nil
}

// matches checks what a request says about the identity of the object that it writes. old
// is the object in its place, or nil if there is none.
func (t target) matches(x, old object) error {
	switch {
	case x.GetName() != t.name:
		return apierrors.NewBadRequest("the name of the object does not match the name on the URL")
	case x.GetNamespace() != "" && x.GetNamespace() != t.namespace:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	case old == nil:
		return nil
	}
	return t.unchanged(old, x.GetResourceVersion(), x.GetUID())
}

// unchanged checks the preconditions of a request. An empty one is always met.
func (t target) unchanged(x object, version string, uid types.UID) error {
	switch {
	case uid != "" && uid != x.GetUID():
		return apierrors.NewConflict(t.kind.group(), t.name, fmt.Errorf("the UID in the precondition (%s) differs from the UID in record (%s)", uid, x.GetUID()))
	case version != "" && version != x.GetResourceVersion():
		return apierrors.NewConflict(t.kind.group(), t.name, errors.New("the object has been modified; please apply your changes to the latest version and try again"))
	}
	return nil
}

func validateSecret(s *corev1.Secret) error {
	size := 0
	for name, value := range s.Data {
		if problems := validation.IsConfigMapKey(name); len(problems) > 0 {
			return invalid(secretKind, s.Name, "data["+name+"]", problems[0])
		}
		size += len(value)
	}
	if size > maxSecret {
		return invalid(secretKind, s.Name, "data", fmt.Sprintf("Too long: may not be more than %d bytes", maxSecret))
	}
	if s.Type == corev1.SecretTypeDockerConfigJson {
		value, ok := s.Data[corev1.DockerConfigJsonKey]
		if !ok {
			return invalid(secretKind, s.Name, "data[.dockerconfigjson]", "Required value")
		}
		if !json.Valid(value) {
			return invalid(secretKind, s.Name, "data[.dockerconfigjson]", "Invalid value: \"<secret contents redacted>\"")
		}
	}
	return nil
}

func invalid(k kind, name, path, message string) error {
	return apierrors.NewInvalid(k.gvk().GroupKind(), name, field.ErrorList{{Type: field.ErrorTypeInvalid, Field: path, BadValue: field.OmitValueType{}, Detail: message}})
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
