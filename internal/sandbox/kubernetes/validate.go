package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxSecret is the limit of the total size of the data of a Secret or a ConfigMap, in bytes.
const maxSecret = corev1.MaxSecretSize

// checkPlacement checks a new object's name and namespace. The namespace must exist.
func (o *objects) checkPlacement(x object, k kind, namespace string) error {
	if x.GetName() == "" {
		return invalid(k, "", "metadata.name", "name or generateName is required")
	}
	if problems := validation.IsDNS1123Subdomain(x.GetName()); len(problems) > 0 {
		return apierrors.NewInvalid(k.gvk().GroupKind(), x.GetName(), field.ErrorList{field.Invalid(field.NewPath("metadata", "name"), x.GetName(), problems[0])})
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

// validate checks an object's content. old is the object in its place, or nil.
func validate(x, old object) error {
	switch x := x.(type) {
	case *corev1.Secret:
		if err := validateSecret(x); err != nil {
			return err
		}
		was, ok := old.(*corev1.Secret)
		switch {
		case !ok:
			return nil
		case x.Type != was.Type:
			return invalid(secretKind, x.Name, "type", "field is immutable")
		case orZero(was.Immutable) && !orZero(x.Immutable):
			return frozen(secretKind, x.Name, "immutable")
		case orZero(was.Immutable) && !equality.Semantic.DeepEqual(x.Data, was.Data):
			return frozen(secretKind, x.Name, "data")
		}
	case *corev1.ConfigMap:
		if err := validateConfigMap(x); err != nil {
			return err
		}
		was, ok := old.(*corev1.ConfigMap)
		switch {
		case !ok || !orZero(was.Immutable):
			return nil
		case !orZero(x.Immutable):
			return frozen(configMapKind, x.Name, "immutable")
		case !equality.Semantic.DeepEqual(x.Data, was.Data):
			return frozen(configMapKind, x.Name, "data")
		case !equality.Semantic.DeepEqual(x.BinaryData, was.BinaryData):
			return frozen(configMapKind, x.Name, "binaryData")
		}
	}
	return nil
}

// frozen returns the refusal of a change of an immutable object.
func frozen(k kind, name, path string) error {
	return apierrors.NewInvalid(k.gvk().GroupKind(), name, field.ErrorList{field.Forbidden(field.NewPath(path), "field is immutable when `immutable` is set")})
}

func validateConfigMap(c *corev1.ConfigMap) error {
	size := 0
	for name, value := range c.Data {
		if problems := validation.IsConfigMapKey(name); len(problems) > 0 {
			return invalid(configMapKind, c.Name, "data["+name+"]", problems[0])
		}
		if _, both := c.BinaryData[name]; both {
			return invalid(configMapKind, c.Name, "data["+name+"]", "duplicate of key present in binaryData")
		}
		size += len(value)
	}
	for name, value := range c.BinaryData {
		if problems := validation.IsConfigMapKey(name); len(problems) > 0 {
			return invalid(configMapKind, c.Name, "binaryData["+name+"]", problems[0])
		}
		size += len(value)
	}
	if size > maxSecret {
		return invalid(configMapKind, c.Name, "", fmt.Sprintf("Too long: may not be more than %d bytes", maxSecret))
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
	for _, required := range map[corev1.SecretType][]string{
		corev1.SecretTypeTLS: {corev1.TLSCertKey, corev1.TLSPrivateKeyKey}, corev1.SecretTypeSSHAuth: {corev1.SSHAuthPrivateKey},
	}[s.Type] {
		if _, ok := s.Data[required]; !ok {
			return invalid(secretKind, s.Name, "data["+required+"]", "Required value")
		}
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
	if s.Type == corev1.SecretTypeBasicAuth {
		_, named := s.Data[corev1.BasicAuthUsernameKey]
		if _, ok := s.Data[corev1.BasicAuthPasswordKey]; !ok && !named {
			return invalid(secretKind, s.Name, "data[username]", "Required value")
		}
	}
	return nil
}

func invalid(k kind, name, path, message string) error {
	return apierrors.NewInvalid(k.gvk().GroupKind(), name, field.ErrorList{{Type: field.ErrorTypeInvalid, Field: path, BadValue: field.OmitValueType{}, Detail: message}})
}
