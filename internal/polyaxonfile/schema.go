package polyaxonfile

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/slipway-ci/slipway/internal/source"
)

// object is the keys of one of Polyaxon's types, each with its type: str, int,
// float, bool, any, an object's name, `[]T`, `map T`, or `k8s` and a Kubernetes
// type. A `!` says that the key is required, `+2` that Polyaxon 1.11.3 lacks it,
// `-2` that 2.18 lacks it.
type object map[string]string

// tables gives Polyaxon's types, 1.11.3's and 2.18's together.
func tables() map[string]object {
	common := object{
		"version": "float", "kind": "str", "name": "str", "description": "str", "tags": "[]str", "presets": "[]str", "queue": "str",
		"cache": "cache", "termination": "termination", "plugins": "plugins", "build": "any", "hooks": "[]hook", "isApproved": "bool",
		"cost": "float", "template": "any", "namespace": "str +2", "mount": "any +2", "strictParams": "bool +2",
	}
	with := func(base object, more object) object {
		all := object{}
		for k, v := range base {
			all[k] = v
		}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	op := with(common, object{
		"schedule": "any", "events": "any", "matrix": "any", "joins": "any", "dependencies": "[]str", "trigger": "str", "conditions": "str",
		"skipOnUpstreamSkip": "bool",
	})
	container := object{
		"kind": "str !", "environment": "environment", "connections": "[]str", "volumes": "[]k8s Volume", "init": "[]init",
		"sidecars": "[]k8s Container", "container": "k8s Container",
	}
	return map[string]object{
		"component": with(common, object{"inputs": "[]io", "outputs": "[]io", "run": "run !"}),
		"operation": with(op, object{
			"params": "map param", "runPatch": "any", "hubRef": "str", "dagRef": "str", "urlRef": "str", "pathRef": "str",
			"component": "component", "patchStrategy": "str", "isPreset": "bool",
		}),
		"job":     container,
		"service": with(container, object{"ports": "[]int", "rewritePath": "bool", "isExternal": "bool +2", "replicas": "int +2"}),
		"dag": {
			"kind": "str !", "operations": "any", "components": "any", "environment": "environment", "connections": "[]str",
			"volumes": "[]k8s Volume", "concurrency": "int", "earlyStopping": "any",
		},
		"io": {
			"name": "str !", "description": "str", "type": "str", "value": "any", "isOptional": "bool", "isList": "bool", "isFlag": "bool",
			"argFormat": "str", "delayValidation": "bool", "options": "any", "connection": "str", "toInit": "bool", "toEnv": "str", "validation": "any +2",
		},
		"param":       {"value": "any", "ref": "str", "contextOnly": "bool", "connection": "str", "toInit": "bool", "toEnv": "str"},
		"cache":       {"disable": "bool", "ttl": "int", "io": "[]str", "sections": "any +2"},
		"termination": {"maxRetries": "int", "ttl": "int", "timeout": "int", "culling": "any +2", "probe": "any +2", "podFailurePolicy": "any +2"},
		"plugins": {
			"auth": "bool", "docker": "bool", "shm": "bool", "mountArtifactsStore": "bool", "collectArtifacts": "bool", "collectLogs": "bool",
			"collectResources": "bool", "syncStatuses": "bool", "autoResume": "bool", "externalHost": "bool", "logLevel": "str", "notifications": "any",
			"sidecar": "any", "tmux": "bool +2", "sandbox": "bool +2", "ssh": "bool +2",
		},
		"hook": {
			"connection": "str", "trigger": "str", "hubRef": "str !", "conditions": "str", "queue": "str", "presets": "any", "params": "any",
			"disableDefaults": "bool", "namespace": "str +2",
		},
		"init": {
			"artifacts": "any", "git": "any", "dockerfile": "any", "file": "any", "connection": "str", "path": "str", "container": "k8s Container",
			"paths": "any +2", "tensorboard": "any +2", "lineageRef": "str +2", "modelRef": "str +2", "artifactRef": "str +2",
		},
		"environment": {
			"labels": "map any", "annotations": "map any", "nodeSelector": "map any", "affinity": "k8s Affinity", "tolerations": "[]k8s Toleration",
			"nodeName": "str", "serviceAccountName": "str", "hostAliases": "[]k8s HostAlias", "securityContext": "k8s PodSecurityContext",
			"imagePullSecrets": "[]str", "hostNetwork": "bool", "hostPID": "bool", "dnsPolicy": "str", "dnsConfig": "k8s PodDNSConfig",
			"schedulerName": "str", "priorityClassName": "str", "priority": "int", "restartPolicy": "str",
		},
	}
}

// runKinds are what run.kind may be; the value says as what it is checked.
func runKinds() map[string]string {
	return map[string]string{
		"job": "job", "service": "service", "dag": "dag", "notifier": "job", "cleaner": "job", "tuner": "job",
		"tfjob": "", "pytorchjob": "", "mpijob": "", "spark": "", "flink": "", "dask": "", "ray": "", "daskcluster": "", "raycluster": "",
	}
}

func kubernetesTypes() map[string]reflect.Type {
	return map[string]reflect.Type{
		"Container": reflect.TypeFor[corev1.Container](), "Volume": reflect.TypeFor[corev1.Volume](),
		"Affinity": reflect.TypeFor[corev1.Affinity](), "Toleration": reflect.TypeFor[corev1.Toleration](),
		"HostAlias": reflect.TypeFor[corev1.HostAlias](), "PodSecurityContext": reflect.TypeFor[corev1.PodSecurityContext](),
		"PodDNSConfig": reflect.TypeFor[corev1.PodDNSConfig](),
	}
}

// ioTypes are the types of inputs and outputs of both lines.
func ioTypes() []string {
	return []string{
		"any", "int", "float", "bool", "str", "dict", "dict_of_dicts", "uri", "auth", "list", "gcs", "s3", "wasb", "dockerfile", "git",
		"image", "event", "artifacts", "path", "metric", "metadata", "date", "datetime", "uuid", "file", "tensorboard",
	}
}

var namePattern = regexp.MustCompile(`^[-a-zA-Z0-9_]+$`)

// validator walks a file along the schema.
type validator struct {
	file     *File
	schema   map[string]object
	problems []Problem
}

// Validate gives what a server of that version refuses, at once or when the run is
// compiled or its pod made; with the zero Version, what all known versions refuse.
func (f *File) Validate(version Version) []Problem {
	if f.root == nil {
		return nil
	}
	v := &validator{file: f, schema: tables()}
	if version.Major == 1 {
		v.old(version)
	}
	kind, given := f.root["kind"].(string)
	switch {
	case given && kind != "component" && kind != "operation":
		v.fail("unknown-kind", []string{"kind"}, "", "kind is component or operation, not %s", kind)
		return v.problems
	case f.IsOperation():
		v.object("operation", f.root, nil)
		v.operation()
	default:
		v.object("component", f.root, nil)
	}
	return v.problems
}

// old finds what servers before 2.0 lack.
func (v *validator) old(version Version) {
	if given, ok := v.file.root["version"]; !ok {
		v.fail("version-missing", nil, "add version: 1.1", "Polyaxon %s needs version", version)
	} else if given != 1.1 {
		v.fail("version-unknown", []string{"version"}, "", "version must be 1.1, not %v", given)
	}
	for _, fields := range v.schema {
		for key, kind := range fields {
			if strings.Contains(kind, "+2") {
				delete(fields, key)
			}
		}
	}
}

func (v *validator) fail(name string, path []string, hint, format string, args ...any) {
	v.add(StageSubmit, name, v.file.At(path...), path, hint, format, args...)
}

func (v *validator) add(stage Stage, name string, at source.Position, path []string, hint, format string, args ...any) {
	v.problems = append(v.problems, Problem{
		Error: source.Error{Position: at, Message: fmt.Sprintf(format, args...), Hint: hint}, Stage: stage, Severity: SeverityError, Name: name, Path: path,
	})
}

// operation checks that there is exactly one component.
func (v *validator) operation() {
	var given []string
	for _, key := range []string{"component", "pathRef", "urlRef", "hubRef", "dagRef"} {
		if _, ok := v.file.root[key]; ok {
			given = append(given, key)
		}
	}
	_, preset := v.file.root["isPreset"]
	switch {
	case len(given) == 0 && !preset:
		v.fail("missing-key", nil, "", "an operation needs a component, or a pathRef to one")
	case len(given) > 1:
		v.fail("several-components", []string{given[1]}, "", "an operation has one of %s", strings.Join(given, " and "))
	case len(given) == 1 && given[0] != "component" && given[0] != "pathRef":
		v.fail("unresolved-reference", []string{given[0]}, "copy the component into the repository and use pathRef", "%s is not built into this version of slipway", given[0])
	}
}

func (v *validator) object(name string, value map[string]any, path []string) {
	fields := v.schema[name]
	var known []string
	for key := range fields {
		known = append(known, key)
	}
	sort.Strings(known)
	for _, key := range sortedKeys(value) {
		kind, ok := fields[key]
		if !ok {
			v.unknown(extend(path, key), key, name, known)
			continue
		}
		v.value(strings.Fields(strings.TrimRight(strings.ReplaceAll(strings.ReplaceAll(kind, "+2", ""), "!", ""), " ")), value[key], extend(path, key))
	}
	for _, key := range known {
		if _, ok := value[key]; !ok && strings.Contains(fields[key], "!") {
			v.fail("missing-key", path, "", "%s needs %s", describe(path, name), key)
		}
	}
	if text, ok := value["name"].(string); ok && !templated(text) && (name == "component" || name == "operation") && !namePattern.MatchString(text) {
		v.fail("bad-name", extend(path, "name"), "use letters, digits, - and _", "%q is no name", text)
	}
	if kind, ok := value["type"].(string); ok && name == "io" && !templated(kind) && !slices.Contains(ioTypes(), kind) {
		hint := ""
		if near, ok := source.Nearest(kind, ioTypes()); ok {
			hint = "did you mean " + near + "?"
		}
		v.fail("unknown-type", extend(path, "type"), hint, "%s is no type of an input or output", kind)
	}
}

func (v *validator) unknown(path []string, key, name string, known []string) {
	hint := ""
	if near, ok := source.Nearest(key, known); ok {
		hint = "did you mean " + near + "?"
	}
	v.add(StageSubmit, "unknown-key", v.file.AtKey(path...), path, hint, "%s has no key %s", describe(path[:len(path)-1], name), key)
}

// describe names a place for people.
func describe(path []string, name string) string {
	if len(path) == 0 {
		return "the " + name
	}
	return strings.Join(path, ".")
}

// value checks a value against a type: one of the words of object.
func (v *validator) value(kind []string, value any, path []string) {
	if value == nil || len(kind) == 0 {
		return
	}
	if text, ok := value.(string); ok && templated(text) {
		return // what it becomes is known when it is rendered
	}
	wrong := func(what string) {
		v.fail("wrong-type", path, "", "%s must be %s, not %s", strings.Join(path, "."), what, typeName(value))
	}
	word := kind[0]
	switch {
	case strings.HasPrefix(word, "[]"):
		list, ok := value.([]any)
		if !ok {
			wrong("a list")
			return
		}
		for i, item := range list {
			v.value(append([]string{word[2:]}, kind[1:]...), item, extend(path, strconv.Itoa(i)))
		}
	case word == "map":
		m, ok := value.(map[string]any)
		if !ok {
			wrong("a mapping")
			return
		}
		for _, key := range sortedKeys(m) {
			v.param(kind[1:], m[key], extend(path, key))
		}
	case word == "k8s":
		v.kubernetes(kubernetesTypes()[kind[1]], value, path)
	case word == "run":
		v.run(value, path)
	case v.schema[word] != nil:
		m, ok := value.(map[string]any)
		if !ok {
			wrong("a mapping")
			return
		}
		v.object(word, m, path)
	default:
		if what := scalarType(word, value); what != "" {
			wrong(what)
		}
	}
}

// param takes the short form of a param, NAME: VALUE, that Polyaxon has since 2.13.
func (v *validator) param(kind []string, value any, path []string) {
	if kind[0] == "param" {
		if m, ok := value.(map[string]any); !ok || m["value"] == nil && m["ref"] == nil && !isParam(m) {
			return
		}
	}
	v.value(kind, value, path)
}

func isParam(m map[string]any) bool {
	_, value := m["value"]
	_, ref := m["ref"]
	return value || ref
}

func (v *validator) run(value any, path []string) {
	m, ok := value.(map[string]any)
	if !ok {
		v.fail("wrong-type", path, "", "run must be a mapping, not %s", typeName(value))
		return
	}
	kind, _ := m["kind"].(string)
	checked, known := runKinds()[kind]
	switch {
	case kind == "":
		v.fail("missing-key", path, "a program that ends is a job, one that serves a service", "run needs kind")
	case !known:
		hint := "there are " + strings.Join(sortedKeys(runKinds()), ", ")
		if near, ok := source.Nearest(kind, sortedKeys(runKinds())); ok {
			hint = "did you mean " + near + "?"
		}
		v.fail("unknown-kind", extend(path, "kind"), hint, "%s is no kind of run", kind)
	case checked != "":
		v.object(checked, m, path)
	}
}

// scalarType gives what a value should be, "" when it is.
func scalarType(word string, value any) string {
	switch value.(type) {
	case map[string]any, []any:
		if word != "any" {
			return map[string]string{"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}[word]
		}
		return ""
	}
	switch word {
	case "int":
		if _, ok := value.(int); !ok {
			return "a whole number"
		}
	case "float":
		switch value.(type) {
		case int, float64:
		default:
			return "a number"
		}
	case "bool":
		if _, ok := value.(bool); !ok {
			return "true or false"
		}
	case "str":
		if _, ok := value.(string); !ok {
			return "text (put it in quotes)"
		}
	}
	return ""
}

// kubernetes checks keys and types against a Kubernetes API type.
func (v *validator) kubernetes(t reflect.Type, value any, path []string) {
	if text, ok := value.(string); value == nil || ok && templated(text) {
		return
	}
	wrong := func(what string) {
		v.fail("wrong-type", path, "", "%s must be %s, not %s", strings.Join(path, "."), what, typeName(value))
	}
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		if _, err := resource.ParseQuantity(fmt.Sprint(value)); err != nil {
			v.fail("bad-quantity", path, "write it as 500m, 2, 512Mi or 4Gi", "%s is no quantity: %v", strings.Join(path, "."), value)
		}
		return
	case reflect.TypeFor[intstr.IntOrString]():
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		v.kubernetes(t.Elem(), value, path)
	case reflect.Struct:
		m, ok := value.(map[string]any)
		if !ok {
			wrong("a mapping")
			return
		}
		fields := jsonFields(t)
		for _, key := range sortedKeys(m) {
			if f, ok := fields[key]; ok {
				v.kubernetes(f, m[key], extend(path, key))
			} else {
				v.unknown(extend(path, key), key, t.Name(), sortedKeys(fields))
			}
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return
		}
		list, ok := value.([]any)
		if !ok {
			wrong("a list")
			return
		}
		for i, item := range list {
			// Polyaxon makes text of whatever an argument is.
			if t.Elem().Kind() == reflect.String && scalarType("str", item) != "" && (isScalar(item)) {
				continue
			}
			v.kubernetes(t.Elem(), item, extend(path, strconv.Itoa(i)))
		}
	case reflect.Map:
		m, ok := value.(map[string]any)
		if !ok {
			wrong("a mapping")
			return
		}
		for _, key := range sortedKeys(m) {
			v.kubernetes(t.Elem(), m[key], extend(path, key))
		}
	case reflect.String:
		if _, ok := value.(string); !ok && path[len(path)-1] != "value" {
			wrong("text (put it in quotes)")
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			wrong("true or false")
		}
	case reflect.Int32, reflect.Int64, reflect.Int:
		if _, ok := value.(int); !ok {
			wrong("a whole number")
		}
	}
}

// jsonFields gives a struct's fields by their JSON names, embedded ones too.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && f.Anonymous {
			for k, v := range jsonFields(f.Type) {
				fields[k] = v
			}
			continue
		}
		if name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func templated(text string) bool { return strings.Contains(text, "{{") || strings.Contains(text, "{%") }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func typeName(v any) string {
	switch x := v.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return strconv.Quote(x)
	}
	return fmt.Sprint(v)
}
