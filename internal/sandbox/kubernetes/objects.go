package kubernetes

import (
	"encoding/json"
	"fmt"
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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/internal/scheme"
)

// objects holds the cluster's objects, in memory and, unless they are derived, in one file
// each on disk.
type objects struct {
	dir      string
	managers map[string]*managedfields.FieldManager
	types    *runtime.Scheme

	mu    sync.Mutex
	byKey map[string]object
	// given are the derived objects as they were given, by the keys of byKey.
	given    map[string]object
	revision int64
	history  []change
	// changed is closed, and replaced, when an object changes.
	changed chan struct{}
}

func openObjects(dir string) (*objects, error) {
	o := &objects{dir: dir, byKey: map[string]object{}, given: map[string]object{}, managers: map[string]*managedfields.FieldManager{}, types: scheme.New(), changed: make(chan struct{})}
	converter, err := newTypeConverter()
	if err != nil {
		return nil, fmt.Errorf("open the sandbox's cluster: %w", err)
	}
	for _, k := range kinds() {
		if k.derived {
			continue
		}
		manager, err := managedfields.NewDefaultFieldManager(converter, o.types, o.types, o.types, k.gvk(), corev1.SchemeGroupVersion, "", nil)
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

// list returns the target's objects that a selector matches, by namespace and name, and the
// revision that they are of.
func (o *objects) list(t target, s selector) ([]object, int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	items := []object{}
	for _, x := range o.byKey {
		if kindOf(x) == t.kind && t.includes(x) && s.matches(x) {
			items = append(items, x.DeepCopyObject().(object))
		}
	}
	sort.Slice(items, func(i, j int) bool {
		return items[i].GetNamespace()+"/"+items[i].GetName() < items[j].GetNamespace()+"/"+items[j].GetName()
	})
	return items, o.revision
}

// writing says how a request writes.
type writing struct {
	// manager is the field manager. force takes fields from others, in server-side apply.
	manager string
	force   bool
	// dry reports whether the request must change nothing, and only gets the result.
	dry bool
	// decoder reads objects, and refuses or reports unknown fields.
	decoder *decoder
}

func (o *objects) create(x object, k kind, namespace string, by writing) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if x.GetName() == "" && x.GetGenerateName() != "" {
		x.SetName(x.GetGenerateName() + rand.String(5))
	}
	if err := o.checkPlacement(x, k, namespace); err != nil {
		return nil, err
	}
	if _, exists := o.byKey[key(k, x.GetNamespace(), x.GetName())]; exists {
		return nil, apierrors.NewAlreadyExists(k.group(), x.GetName())
	}
	if x.GetResourceVersion() != "" {
		return nil, apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
	}
	x.SetManagedFields(nil)
	blank := k.empty()
	managed, err := o.managers[k.name].Update(blank, complete(x, k), by.manager)
	if err != nil {
		return nil, err
	}
	return o.store(managed.(object), nil, k, by.dry)
}

func (o *objects) update(x object, t target, by writing) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	old, ok := o.byKey[key(t.kind, t.namespace, t.name)]
	if !ok {
		return nil, t.kind.missing(t.name)
	}
	return o.replace(x, old, t, by)
}

// replace stores x in place of old, which has the name of t. It keeps the fields that the
// server owns.
func (o *objects) replace(x, old object, t target, by writing) (object, error) {
	if err := t.matches(x, old); err != nil {
		return nil, err
	}
	k := t.kind
	x.SetNamespace(old.GetNamespace())
	x.SetUID(old.GetUID())
	x.SetCreationTimestamp(old.GetCreationTimestamp())
	managed, err := o.managers[k.name].Update(old.DeepCopyObject(), complete(x, k), by.manager)
	if err != nil {
		return nil, err
	}
	return o.store(managed.(object), old, k, by.dry)
}

func (o *objects) patch(t target, form types.PatchType, patch []byte, by writing) (object, error) {
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
	x, err := by.decoder.decode(t.kind, after)
	if err != nil {
		return nil, err
	}
	return o.replace(x, old, t, by)
}

// store sets the fields that the server owns and stores x, unless it is a dry run. An
// object that did not change keeps its resource version.
func (o *objects) store(x, old object, k kind, dry bool) (object, error) {
	if err := validate(x, old); err != nil {
		return nil, err
	}
	if old == nil {
		x.SetUID(uuid.NewUUID())
		x.SetCreationTimestamp(metav1.NewTime(time.Now().UTC().Truncate(time.Second)))
	} else {
		x.SetResourceVersion(old.GetResourceVersion())
		if equality.Semantic.DeepEqual(x, old) {
			return old.DeepCopyObject().(object), nil
		}
	}
	x.GetObjectKind().SetGroupVersionKind(k.gvk())
	if dry {
		return x, nil
	}
	o.revision++
	x.SetResourceVersion(strconv.FormatInt(o.revision, 10))
	text, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	if err := disk.Write(o.file(k, x), text, 0o600); err != nil {
		return nil, err
	}
	o.byKey[key(k, x.GetNamespace(), x.GetName())] = x
	o.record(k, old, x)
	return x.DeepCopyObject().(object), nil
}

// delete deletes an object, and with a namespace what is in it. It returns the object.
func (o *objects) delete(t target, options *metav1.DeleteOptions) (object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	x, ok := o.byKey[key(t.kind, t.namespace, t.name)]
	if !ok {
		return nil, t.kind.missing(t.name)
	}
	if p := options.Preconditions; p != nil {
		if err := t.unchanged(x, orZero(p.ResourceVersion), orZero(p.UID)); err != nil {
			return nil, err
		}
	}
	if len(options.DryRun) > 0 {
		return x, nil
	}
	doomed := []object{x}
	if t.kind == namespaceKind {
		for _, other := range o.byKey {
			if other.GetNamespace() == t.name && !kindOf(other).derived {
				doomed = append(doomed, other)
			}
		}
	}
	for _, d := range doomed {
		k := kindOf(d)
		if err := disk.Remove(o.file(k, d)); err != nil {
			return nil, err
		}
		delete(o.byKey, key(k, d.GetNamespace(), d.GetName()))
		o.revision++
		o.record(k, d, nil)
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
