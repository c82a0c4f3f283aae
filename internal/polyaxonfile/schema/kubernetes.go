package schema

import (
	"reflect"
	"strings"
	"sync"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Kubernetes returns the object for a Kubernetes API type that Polyaxon embeds in its own
// objects, or nil for any other type. Polyaxon checks a pod's security context against
// the keys of a container's security context, so PodSecurityContext has only the keys
// that both types have.
func Kubernetes(name string) *Object {
	types := map[string]reflect.Type{
		"Container": reflect.TypeFor[corev1.Container](), "Volume": reflect.TypeFor[corev1.Volume](),
		"Affinity": reflect.TypeFor[corev1.Affinity](), "Toleration": reflect.TypeFor[corev1.Toleration](),
		"HostAlias": reflect.TypeFor[corev1.HostAlias](), "PodDNSConfig": reflect.TypeFor[corev1.PodDNSConfig](),
		"PodSecurityContext": reflect.TypeFor[corev1.PodSecurityContext](), "SecurityContext": reflect.TypeFor[corev1.SecurityContext](),
		"ResourceRequirements": reflect.TypeFor[corev1.ResourceRequirements](), "ExecAction": reflect.TypeFor[corev1.ExecAction](),
		"HTTPGetAction": reflect.TypeFor[corev1.HTTPGetAction](), "PodFailurePolicy": reflect.TypeFor[batchv1.PodFailurePolicy](),
	}
	t, ok := types[name]
	if !ok {
		return nil
	}
	o := objectOf(t)
	if name != "PodSecurityContext" {
		return o
	}
	both := &Object{Name: o.Name, Kubernetes: true}
	for _, f := range o.Fields {
		if _, ok, _ := Kubernetes("SecurityContext").Find(f.Key, Version{}); ok {
			both.Fields = append(both.Fields, f)
		}
	}
	return both
}

// objects caches the objects by their reflect.Type. A type such as JSONSchemaProps may
// contain itself.
var objects sync.Map

func objectOf(t reflect.Type) *Object {
	if o, ok := objects.Load(t); ok {
		return o.(*Object) //nolint:errcheck // nothing else is stored
	}
	o := &Object{Name: t.Name(), Kubernetes: true}
	if have, loaded := objects.LoadOrStore(t, o); loaded {
		return have.(*Object) //nolint:errcheck // nothing else is stored
	}
	o.Fields = structFields(t)
	return o
}

// laterKeys are keys of the objects that Polyaxon checks which Kubernetes added after the
// client library that Polyaxon 1.11.3 uses.
var laterKeys = map[string]bool{
	"Container.resizePolicy": true, "Container.restartPolicy": true, "Container.restartPolicyRules": true,
	"PodSecurityContext.appArmorProfile": true, "ResourceRequirements.claims": true, "VolumeSource.image": true,
}

// structFields returns a struct's fields by their JSON names, including those of embedded
// structs. Kubernetes requires a field that is neither a pointer nor marked omitempty.
func structFields(t reflect.Type) []Field {
	var fields []Field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && f.Anonymous:
			fields = append(fields, structFields(f.Type)...)
		case name != "" && name != "-":
			kind := f.Type.Kind()
			required := !strings.Contains(options, "omitempty") && kind != reflect.Pointer && (kind != reflect.Struct || f.Type == reflect.TypeFor[intstr.IntOrString]())
			// Polyaxon names the containers itself.
			required = required && t != reflect.TypeFor[corev1.Container]()
			field := Field{Key: name, Type: Type{kubernetesChoice(f.Type)}, Required: required}
			if laterKeys[t.Name()+"."+name] {
				field.Since = Version{Major: 2}
			}
			fields = append(fields, field)
		}
	}
	return fields
}

func kubernetesChoice(t reflect.Type) Choice {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return Choice{Form: Quantity}
	case reflect.TypeFor[intstr.IntOrString]():
		return Choice{Form: IntOrText}
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.FieldsV1]():
		return Choice{Form: Any}
	}
	if words := enumOf(t); words != nil {
		return Choice{Form: Enum, Words: words}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return kubernetesChoice(t.Elem())
	case reflect.Struct:
		return Choice{Form: Mapping, Object: objectOf(t)}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return Choice{Form: Text}
		}
		return Choice{Form: List, Elem: Type{kubernetesChoice(t.Elem())}}
	case reflect.Map:
		return Choice{Form: Map, Elem: Type{kubernetesChoice(t.Elem())}}
	case reflect.Bool:
		return Choice{Form: Bool}
	case reflect.Int32, reflect.Int64, reflect.Int:
		return Choice{Form: Int}
	case reflect.String:
		return Choice{Form: Text}
	}
	return Choice{Form: Any}
}

// enumOf returns the values that Kubernetes' API server accepts for a string type, or nil
// when it accepts any.
func enumOf(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[corev1.PullPolicy]():
		return []string{"Always", "IfNotPresent", "Never"}
	case reflect.TypeFor[corev1.StorageMedium]():
		return []string{"", "Memory", "HugePages", "HugePages-2Mi", "HugePages-1Gi", "HugePages-64Ki", "HugePages-32Mi", "HugePages-16Gi"}
	case reflect.TypeFor[corev1.Protocol]():
		return []string{"TCP", "UDP", "SCTP"}
	case reflect.TypeFor[corev1.URIScheme]():
		return []string{"HTTP", "HTTPS"}
	case reflect.TypeFor[corev1.TolerationOperator]():
		return []string{"Exists", "Equal", "Lt", "Gt"}
	case reflect.TypeFor[corev1.TaintEffect]():
		return []string{"NoSchedule", "PreferNoSchedule", "NoExecute"}
	case reflect.TypeFor[corev1.NodeSelectorOperator]():
		return []string{"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"}
	case reflect.TypeFor[metav1.LabelSelectorOperator]():
		return []string{"In", "NotIn", "Exists", "DoesNotExist"}
	case reflect.TypeFor[corev1.HostPathType]():
		return []string{"", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"}
	case reflect.TypeFor[corev1.MountPropagationMode]():
		return []string{"None", "HostToContainer", "Bidirectional"}
	case reflect.TypeFor[corev1.RecursiveReadOnlyMode]():
		return []string{"Disabled", "IfPossible", "Enabled"}
	case reflect.TypeFor[corev1.TerminationMessagePolicy]():
		return []string{"File", "FallbackToLogsOnError"}
	case reflect.TypeFor[corev1.ProcMountType]():
		return []string{"Default", "Unmasked"}
	case reflect.TypeFor[corev1.SeccompProfileType](), reflect.TypeFor[corev1.AppArmorProfileType]():
		return []string{"RuntimeDefault", "Unconfined", "Localhost"}
	case reflect.TypeFor[corev1.ResourceResizeRestartPolicy]():
		return []string{"NotRequired", "RestartContainer"}
	case reflect.TypeFor[corev1.ContainerRestartPolicy]():
		return []string{"Always", "Never", "OnFailure"}
	case reflect.TypeFor[corev1.PersistentVolumeAccessMode]():
		return []string{"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"}
	case reflect.TypeFor[corev1.PersistentVolumeMode]():
		return []string{"Block", "Filesystem"}
	case reflect.TypeFor[corev1.PodFSGroupChangePolicy]():
		return []string{"OnRootMismatch", "Always"}
	case reflect.TypeFor[corev1.SupplementalGroupsPolicy]():
		return []string{"Merge", "Strict"}
	case reflect.TypeFor[corev1.NodeInclusionPolicy]():
		return []string{"Ignore", "Honor"}
	case reflect.TypeFor[batchv1.PodFailurePolicyAction]():
		return []string{"FailJob", "FailIndex", "Ignore", "Count"}
	case reflect.TypeFor[batchv1.PodFailurePolicyOnExitCodesOperator]():
		return []string{"In", "NotIn"}
	case reflect.TypeFor[corev1.ConditionStatus]():
		return []string{"True", "False", "Unknown"}
	}
	return nil
}
