package kubernetes

import (
	"encoding/json"
	"fmt"
	"mime"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// kind is a kind of object that the cluster supports.
type kind struct {
	name, resource string
	namespaced     bool
}

var (
	namespaceKind = kind{"Namespace", "namespaces", false}
	secretKind    = kind{"Secret", "secrets", true}
	configMapKind = kind{"ConfigMap", "configmaps", true}
)

func kinds() []kind { return []kind{namespaceKind, secretKind, configMapKind} }

func (k kind) gvk() schema.GroupVersionKind { return corev1.SchemeGroupVersion.WithKind(k.name) }
func (k kind) group() schema.GroupResource  { return schema.GroupResource{Resource: k.resource} }
func (k kind) missing(name string) error    { return apierrors.NewNotFound(k.group(), name) }

// object is implemented by all of the cluster's types.
type object interface {
	runtime.Object
	metav1.Object
}

func (k kind) empty() object {
	switch k {
	case namespaceKind:
		return &corev1.Namespace{}
	case secretKind:
		return &corev1.Secret{}
	}
	return &corev1.ConfigMap{}
}

// objects holds the cluster's objects, in memory and in one file each on disk.
type objects struct {
	dir      string
	mu       sync.Mutex
	byKey    map[string]object
	revision int64
	managers map[string]*managedfields.FieldManager
}

func openObjects(dir string) (*objects, error) {
	o := &objects{dir: dir, byKey: map[string]object{}, managers: map[string]*managedfields.FieldManager{}}
	converter := applyconfigurations.NewTypeConverter(scheme.Scheme)
	for _, k := range kinds() {
		manager, err := managedfields.NewDefaultFieldManager(converter, scheme.Scheme, scheme.Scheme, scheme.Scheme, k.gvk(), corev1.SchemeGroupVersion, "", nil)
		if err != nil {
			return nil, fmt.Errorf("open the sandbox's cluster: %w", err)
		}
		o.managers[k.name] = manager
		files, err := disk.Files(dir, path.Join(k.resource, "*", "*.json"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("open the sandbox's cluster: %w", err)
			}
			kept := k.empty()
			if json.Unmarshal(text, kept) != nil || kept.GetName() == "" {
				continue // written by another version of slipway; the object can be created again
			}
			o.byKey[key(k, kept.GetNamespace(), kept.GetName())] = kept
			if revision, err := strconv.ParseInt(kept.GetResourceVersion(), 10, 64); err == nil {
				o.revision = max(o.revision, revision)
			}
		}
	}
	return o, nil
}

func key(k kind, namespace, name string) string { return k.resource + "/" + namespace + "/" + name }

func (o *objects) file(k kind, x object) string {
	namespace := x.GetNamespace()
	if namespace == "" {
		namespace = "_"
	}
	return filepath.Join(o.dir, k.resource, namespace, x.GetName()+".json")
}

func (o *objects) get(k kind, namespace, name string) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, ok := o.byKey[key(k, namespace, name)]
	if !ok {
		return nil, k.missing(name)
	}
	return found.DeepCopyObject().(object), nil
}

func (o *objects) list(k kind, namespace string, s selector) any {
	o.mu.Lock()
	defer o.mu.Unlock()
	items := []object{}
	for _, x := range o.byKey {
		if x.GetObjectKind().GroupVersionKind().Kind == k.name && (namespace == "" || x.GetNamespace() == namespace) && s.matches(x) {
			items = append(items, x.DeepCopyObject().(object))
		}
	}
	sort.Slice(items, func(i, j int) bool {
		return items[i].GetNamespace()+"/"+items[i].GetName() < items[j].GetNamespace()+"/"+items[j].GetName()
	})
	return map[string]any{
		"kind": k.name + "List", "apiVersion": "v1", "items": items,
		"metadata": map[string]any{"resourceVersion": strconv.FormatInt(o.revision, 10)},
	}
}

func (o *objects) create(x object, k kind, namespace, manager string) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.checkPlacement(x, k, namespace); err != nil {
		return nil, err
	}
	if _, exists := o.byKey[key(k, x.GetNamespace(), x.GetName())]; exists {
		return nil, apierrors.NewAlreadyExists(k.group(), x.GetName())
	}
	blank := k.empty()
	managed, err := o.managers[k.name].Update(blank, complete(x, k), manager)
	if err != nil {
		return nil, err
	}
	return o.store(managed.(object), nil, k)
}

func (o *objects) update(x object, t target, manager string) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	old, ok := o.byKey[key(t.kind, t.namespace, t.name)]
	if !ok {
		return nil, t.kind.missing(t.name)
	}
	return o.replace(x, old, t, manager)
}

// replace stores x in place of old, which has the name of t. It keeps the fields that the
// server owns.
func (o *objects) replace(x, old object, t target, manager string) (object, error) {
	if err := t.matches(x, old); err != nil {
		return nil, err
	}
	k := t.kind
	x.SetNamespace(old.GetNamespace())
	x.SetUID(old.GetUID())
	x.SetCreationTimestamp(old.GetCreationTimestamp())
	managed, err := o.managers[k.name].Update(old.DeepCopyObject(), complete(x, k), manager)
	if err != nil {
		return nil, err
	}
	return o.store(managed.(object), old, k)
}

func (o *objects) patch(t target, form types.PatchType, patch []byte, manager string) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	old, ok := o.byKey[key(t.kind, t.namespace, t.name)]
	if !ok {
		return nil, t.kind.missing(t.name)
	}
	before, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	var after []byte
	switch form {
	case types.MergePatchType:
		after, err = jsonpatch.MergePatch(before, patch)
	case types.StrategicMergePatchType:
		after, err = strategicpatch.StrategicMergePatch(before, patch, t.kind.empty())
	case types.JSONPatchType:
		var steps jsonpatch.Patch
		if steps, err = jsonpatch.DecodePatch(patch); err == nil {
			after, err = steps.Apply(before)
		}
	default:
		return nil, apierrors.NewGenericServerResponse(415, "patch", t.kind.group(), t.name, "the patch type "+string(form)+" is not supported", 0, true)
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	x := t.kind.empty()
	if err := json.Unmarshal(after, x); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return o.replace(x, old, t, manager)
}

// apply is server-side apply. It creates the object if it does not exist; the second
// result reports whether it did.
func (o *objects) apply(t target, body []byte, manager string, force bool) (object, bool, error) {
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
	merged, err := o.managers[t.kind.name].Apply(live, sent, manager, force)
	if err != nil {
		return nil, false, err
	}
	if merged == nil { // nothing changes
		return live, false, nil
	}
	x := complete(merged.(object), t.kind)
	stored, err := o.store(x, old, t.kind)
	return stored, old == nil, err
}

// store sets the fields that the server owns and stores x. An object that did not change
// keeps its resource version.
func (o *objects) store(x, old object, k kind) (object, error) {
	if s, ok := x.(*corev1.Secret); ok {
		if err := validateSecret(s); err != nil {
			return nil, err
		}
	}
	if old == nil {
		x.SetUID(uuid.NewUUID())
		x.SetCreationTimestamp(metav1.NewTime(time.Now().UTC().Truncate(time.Second)))
	} else {
		if k == secretKind && x.(*corev1.Secret).Type != old.(*corev1.Secret).Type {
			return nil, invalid(k, x.GetName(), "type", "field is immutable")
		}
		x.SetResourceVersion(old.GetResourceVersion())
		if equality.Semantic.DeepEqual(x, old) {
			return old.DeepCopyObject().(object), nil
		}
	}
	o.revision++
	x.SetResourceVersion(strconv.FormatInt(o.revision, 10))
	x.GetObjectKind().SetGroupVersionKind(k.gvk())
	text, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	if err := disk.Write(o.file(k, x), text, 0o600); err != nil {
		return nil, err
	}
	o.byKey[key(k, x.GetNamespace(), x.GetName())] = x
	return x.DeepCopyObject().(object), nil
}

func (o *objects) delete(t target, options *metav1.DeleteOptions) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	x, ok := o.byKey[key(t.kind, t.namespace, t.name)]
	if !ok {
		return t.kind.missing(t.name)
	}
	if p := options.Preconditions; p != nil {
		if err := t.unchanged(x, orZero(p.ResourceVersion), orZero(p.UID)); err != nil {
			return err
		}
	}
	doomed := []object{x}
	if t.kind == namespaceKind {
		for _, other := range o.byKey {
			if other.GetNamespace() == t.name {
				doomed = append(doomed, other)
			}
		}
	}
	for _, d := range doomed {
		for _, k := range kinds() {
			if k.name != d.GetObjectKind().GroupVersionKind().Kind {
				continue
			}
			if err := os.Remove(o.file(k, d)); err != nil && !os.IsNotExist(err) {
				return err
			}
			delete(o.byKey, key(k, d.GetNamespace(), d.GetName()))
		}
	}
	return nil
}

// decode reads a complete object, sent as JSON, YAML or protobuf.
func decode(k kind, body []byte, contentType string) (object, error) {
	form, _, err := mime.ParseMediaType(contentType)
	known := form == "application/json" || form == "application/yaml" || form == runtime.ContentTypeProtobuf
	if err != nil || !known {
		return nil, apierrors.NewGenericServerResponse(415, "create", k.group(), "", fmt.Sprintf("the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf (got %s)", contentType), 0, true)
	}
	gvk := k.gvk()
	x := k.empty()
	decoded, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, &gvk, x)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if decoded != x {
		return nil, apierrors.NewBadRequest("the object is not a " + k.name)
	}
	return x, nil
}

// complete sets the API server's defaults.
func complete(x object, k kind) object {
	x.GetObjectKind().SetGroupVersionKind(k.gvk())
	switch typed := x.(type) {
	case *corev1.Secret:
		if typed.Type == "" {
			typed.Type = corev1.SecretTypeOpaque
		}
		for name, value := range typed.StringData {
			if typed.Data == nil {
				typed.Data = map[string][]byte{}
			}
			typed.Data[name] = []byte(value)
		}
		typed.StringData = nil
	case *corev1.Namespace:
		typed.Status.Phase = corev1.NamespaceActive
	}
	return x
}
