package polyaxonfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// meaning is a key that people write for another one: out of habit from elsewhere, as
// Docker, GitHub or Polyaxon 0.x call it.
type meaning struct {
	object, written string
	// key is the object's own that is meant; "" where hint says it all.
	key, hint string
}

// meanings are those that are no misspellings. Objects of Kubernetes have their type's
// name.
func meanings() []meaning {
	return []meaning{
		{"io", "default", "value", ""},
		{"io", "defaultValue", "value", ""},
		{"io", "required", "isOptional", "write isOptional, which says the opposite"},
		{"io", "optional", "isOptional", ""},
		{"io", "choices", "", "write validation: {options: [...]}; Polyaxon 1 has options"},
		{"io", "enum", "", "write validation: {options: [...]}; Polyaxon 1 has options"},
		{"io", "help", "description", ""},
		{"param", "default", "value", ""},
		{"Container", "cmd", "", "write command and args, each a list"},
		{"Container", "entrypoint", "command", ""},
		{"Container", "environment", "env", ""},
		{"Container", "envVars", "env", ""},
		{"Container", "env_vars", "env", ""},
		{"Container", "volumes", "volumeMounts", "write volumeMounts here, and volumes beside container"},
		{"Container", "mounts", "volumeMounts", ""},
		{"Container", "workdir", "workingDir", ""},
		{"Container", "cwd", "workingDir", ""},
		{"Container", "pullPolicy", "imagePullPolicy", ""},
		{"Container", "gpu", "", "write resources: {limits: {nvidia.com/gpu: 1}}"},
		{"Container", "memory", "", "write resources: {requests: {memory: 2Gi}, limits: {memory: 2Gi}}"},
		{"Container", "cpu", "", "write resources: {requests: {cpu: 1}}"},
		{"ResourceRequirements", "gpu", "", "write limits: {nvidia.com/gpu: 1}"},
		{"ResourceRequirements", "nvidia.com/gpu", "", "write limits: {nvidia.com/gpu: 1}"},
		{"ResourceRequirements", "tpu", "", "write limits: {cloud-tpus.google.com/v3: 8}"},
		{"ResourceRequirements", "cpu", "", "write requests: {cpu: 1}, limits: {cpu: 1}"},
		{"ResourceRequirements", "memory", "", "write requests: {memory: 2Gi}, limits: {memory: 2Gi}"},
		{"Volume", "pvc", "persistentVolumeClaim", ""},
		{"Volume", "persistentVolume", "persistentVolumeClaim", ""},
		{"Volume", "claimName", "persistentVolumeClaim", "write persistentVolumeClaim: {claimName: NAME}"},
		{"Volume", "secretName", "secret", "write secret: {secretName: NAME}"},
		{"Volume", "path", "hostPath", "write hostPath: {path: PATH}"},
		{"Volume", "mountPath", "", "it stands in the container's volumeMounts"},
		{"PersistentVolumeClaimVolumeSource", "name", "claimName", ""},
		{"PersistentVolumeClaimVolumeSource", "claim", "claimName", ""},
		{"SecretVolumeSource", "name", "secretName", ""},
		{"ConfigMapVolumeSource", "configMapName", "name", ""},
		{"SecretKeySelector", "secretName", "name", ""},
		{"SecretKeySelector", "secret", "name", ""},
		{"SecretKeySelector", "secretKey", "key", ""},
		{"ConfigMapKeySelector", "configMapName", "name", ""},
		{"ConfigMapKeySelector", "configMap", "name", ""},
		{"SecretEnvSource", "secretName", "name", ""},
		{"ConfigMapEnvSource", "configMapName", "name", ""},
		{"EnvVarSource", "secretRef", "secretKeyRef", ""},
		{"EnvVarSource", "secret", "secretKeyRef", ""},
		{"EnvVarSource", "configMap", "configMapKeyRef", ""},
		{"EnvVar", "key", "name", ""},
		{"EnvVar", "secretKeyRef", "valueFrom", "write valueFrom: {secretKeyRef: {name: SECRET, key: KEY}}"},
		{"EnvVar", "configMapKeyRef", "valueFrom", "write valueFrom: {configMapKeyRef: {name: NAME, key: KEY}}"},
		{"VolumeMount", "path", "mountPath", ""},
		{"VolumeMount", "target", "mountPath", ""},
		{"VolumeMount", "volume", "name", ""},
		{"ContainerPort", "port", "containerPort", ""},
		{"git", "branch", "revision", ""},
		{"git", "tag", "revision", ""},
		{"git", "commit", "revision", ""},
		{"git", "ref", "revision", ""},
		{"git", "repo", "url", ""},
		{"git", "repository", "url", ""},
		{"init", "url", "", "write git: {url: URL}"},
		{"init", "revision", "", "write git: {revision: NAME} beside connection"},
		{"init", "image", "", "write container: {image: IMAGE}"},
		{"dockerfile", "base", "image", ""},
		{"dockerfile", "from", "image", ""},
		{"dockerfile", "command", "run", ""},
		{"dockerfile", "commands", "run", ""},
		{"operation", "dependsOn", "dependencies", ""},
		{"operation", "depends_on", "dependencies", ""},
		{"operation", "after", "dependencies", ""},
		{"operation", "needs", "dependencies", ""},
		{"operation", "parameters", "params", ""},
		{"operation", "hptuning", "matrix", ""},
		{"operation", "when", "conditions", ""},
		{"operation", "condition", "conditions", ""},
		{"component", "params", "inputs", ""},
		{"component", "parameters", "inputs", ""},
		{"component", "hptuning", "", "write matrix in an operation"},
		{"component", "matrix", "", "an operation has matrix, and the component in it"},
		{"tfjob", "master", "chief", ""},
		{"tfjob", "workers", "worker", ""},
		{"tfjob", "parameterServer", "ps", ""},
		{"pytorchjob", "chief", "master", ""},
		{"pytorchjob", "workers", "worker", ""},
		{"mpijob", "master", "launcher", ""},
		{"mpijob", "chief", "launcher", ""},
		{"mpijob", "workers", "worker", ""},
		{"job", "cmd", "", "write container: {command: [...], args: [...]}"},
		{"service", "cmd", "", "write container: {command: [...], args: [...]}"},
		{"job", "port", "", "only a service has ports"},
		{"job", "image", "container", "write container: {image: IMAGE}"},
		{"service", "port", "ports", ""},
		{"dag", "ops", "operations", ""},
		{"dag", "tasks", "operations", ""},
		{"dag", "steps", "operations", ""},
		{"dag", "jobs", "operations", ""},
		{"environment", "serviceAccount", "serviceAccountName", ""},
		{"environment", "env", "", "write it in container"},
		{"environment", "resources", "", "write it in container"},
		{"environment", "nodePool", "nodeSelector", ""},
		{"termination", "retries", "maxRetries", ""},
		{"termination", "restarts", "maxRetries", ""},
		{"termination", "max_restarts", "maxRetries", ""},
		{"termination", "maxRestarts", "maxRetries", ""},
		{"hpChoice", "values", "value", ""},
		{"grid", "concurrent", "concurrency", ""},
		{"random", "numSamples", "numRuns", ""},
		{"random", "n_experiments", "numRuns", ""},
		{"cron", "schedule", "cron", ""},
		{"interval", "every", "frequency", ""},
		{"interval", "interval", "frequency", ""},
	}
}

// meantKey gives the key that is meant by one that an object does not have, and a
// hint that names it: by its meaning, by its letters, or where it stands else. key is
// "" when it is none of the object's.
func (v *validator) meantKey(o *schema.Object, written string) (key, hint string) {
	for _, m := range meanings() {
		if m.written != written || m.object != o.Name && !(m.object == "param" && o.Name == "shortparam") {
			continue
		}
		if _, here, _ := o.Find(m.key, v.version); m.key != "" && !here {
			continue // another version has it
		}
		if m.hint != "" {
			return m.key, m.hint
		}
		return m.key, "did you mean " + m.key + "?"
	}
	inner := v.deeper(o, written)
	if near, ok := source.Nearest(written, o.Keys(v.version)); ok && (inner == "" || strings.EqualFold(near, written)) {
		return near, "did you mean " + near + "?"
	}
	if inner != "" {
		return "", "it belongs in " + inner
	}
	for i := len(v.around) - 2; i >= 0; i-- { // the last one is o
		if _, here, _ := v.around[i].object.Find(written, v.version); here {
			return "", "it belongs beside " + v.path[v.around[i].depth]
		}
	}
	return "", ""
}

// deeper gives the path from an object to the nearest one in it that has a key:
// resources, written in run, belongs in container.
func (v *validator) deeper(o *schema.Object, key string) string {
	for depth := 1; depth <= 2; depth++ {
		if found := v.inObject(o, key, depth); found != "" {
			return found
		}
	}
	return ""
}

// inObject looks for a key exactly so many objects further down.
func (v *validator) inObject(o *schema.Object, key string, depth int) string {
	for _, name := range []string{"run", "container", "environment", "termination", "plugins", "cache", "resources", "valueFrom", "component"} {
		field, here, _ := o.Find(name, v.version)
		if !here {
			continue
		}
		for _, c := range field.Type {
			inner := c.Object
			if c.Form == schema.OneOf && c.Union.Name == "run" {
				inner = v.tables.Object("job")
			}
			if inner == nil || inner.Open {
				continue
			}
			if _, has, _ := inner.Find(key, v.version); depth == 1 && has {
				return name
			}
			if depth > 1 {
				if found := v.inObject(inner, key, depth-1); found != "" {
					return name + "." + found
				}
			}
		}
	}
	return ""
}

// wordsMeant are words for which Polyaxon has others.
func wordsMeant() map[string]string {
	return map[string]string{
		"success": "succeeded", "successful": "succeeded", "ok": "succeeded", "passed": "succeeded", "failure": "failed", "error": "failed", "errored": "failed",
		"finished": "done", "complete": "done", "completed": "done", "finish": "done", "cancelled": "stopped", "canceled": "stopped", "aborted": "stopped",
		"pending": "queued", "all_success": "all_succeeded", "one_success": "one_succeeded", "all_failure": "all_failed", "max": "maximize", "min": "minimize",
		"maximum": "maximize", "minimum": "minimize", "merge": "post_merge", "append": "post_merge", "prepend": "pre_merge",
	}
}

// meantWord gives the one of some words that is meant by another.
func meantWord(written string, words []string) (string, bool) {
	bare, prefix := strings.ToLower(written), ""
	if rest, ok := strings.CutPrefix(bare, "run_status_"); ok {
		bare, prefix = rest, "run_status_"
	}
	if meant, ok := wordsMeant()[bare]; ok && slices.Contains(words, prefix+meant) {
		return prefix + meant, true
	}
	return source.Nearest(written, words)
}

// kindsMeant are what people call a kind of run, of a matrix or of a search space.
func kindsMeant() map[string]string {
	return map[string]string{
		"pod": "job", "experiment": "job", "container": "job", "task": "job", "build": "job", "batch": "job", "script": "job",
		"deployment": "service", "notebook": "service", "jupyter": "service", "server": "service", "app": "service", "tensorboard": "service",
		"pipeline": "dag", "workflow": "dag", "tensorflow": "tfjob", "pytorch": "pytorchjob", "torch": "pytorchjob", "horovod": "mpijob", "mpi": "mpijob",
		"gridsearch": "grid", "randomsearch": "random", "bayesian": "bayes", "bo": "bayes", "hyperopt": "tpe", "values": "choice", "categorical": "choice", "int": "range", "float": "uniform",
		"loguniform_values": "loguniform", "crontab": "cron", "every": "interval", "date": "datetime",
	}
}

// meantKind gives the kind of a union that is meant by another.
func meantKind(written string, kinds []string) (string, bool) {
	bare := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(written))
	for _, kind := range []string{bare, kindsMeant()[bare]} {
		if slices.Contains(kinds, kind) {
			return kind, true
		}
	}
	return source.Nearest(written, kinds)
}

// fileKindHint says what to write for a kind of file that there is not.
func fileKindHint(root map[string]any) string {
	kind, _ := root["kind"].(string)
	if near, ok := source.Nearest(kind, []string{"component", "operation"}); ok {
		return "did you mean " + near + "?"
	}
	if tables, err := schema.Load(); err == nil && kind != "" {
		if meant, ok := meantKind(kind, tables.Union("run").Names(Version{})); ok {
			return "write kind: component here, and kind: " + meant + " in run"
		}
		if _, here, _ := tables.Union("matrix").Find(kind, Version{}); here {
			return "write kind: operation here, and kind: " + kind + " in matrix"
		}
	}
	return ""
}

var (
	spelledList = regexp.MustCompile(`(?i)^(?:list|array|sequence|tuple|set)\s*(?:\[|<|\(|\s+of\s+)\s*(\w+)\s*[\])>]?$`)
	spelledDict = regexp.MustCompile(`(?i)^(?:dict|map|mapping)\s*[\[<].*[\]>]$`)
)

// meantType gives a hint for a type of an input that there is not.
func meantType(written string, types []string) string {
	others := map[string]string{
		"integer": "int", "number": "float", "double": "float", "real": "float", "decimal": "float", "string": "str", "text": "str", "boolean": "bool", "logical": "bool",
		"array": "list", "tuple": "list", "object": "dict", "map": "dict", "mapping": "dict", "json": "dict", "url": "uri", "directory": "path", "dir": "path", "timestamp": "datetime",
		"time": "datetime", "docker_image": "image", "dockerimage": "image", "choice": "str with options", "enum": "str with options", "secret": "str", "password": "str",
	}
	known := func(name string) (string, bool) {
		name = strings.ToLower(strings.TrimSpace(name))
		if slices.Contains(types, name) {
			return name, true
		}
		meant, ok := others[name]
		return meant, ok
	}
	if m := spelledList.FindStringSubmatch(written); m != nil {
		element, ok := known(m[1])
		if !ok {
			element = "str"
		}
		return "write type: " + element + " and isList: true"
	}
	if strings.HasSuffix(written, "[]") {
		if element, ok := known(strings.TrimSuffix(written, "[]")); ok {
			return "write type: " + element + " and isList: true"
		}
	}
	if spelledDict.MatchString(written) {
		return "write type: dict"
	}
	if meant, ok := known(written); ok {
		return "did you mean " + meant + "?"
	}
	if near, ok := source.Nearest(written, types); ok {
		return "did you mean " + near + "?"
	}
	return ""
}

var amountOfTime = regexp.MustCompile(`^(\d+(?:\.\d+)?)\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)$`)

// seconds gives a hint for a text that is a time, such as 6h, where a number of
// seconds is wanted.
func seconds(text string) string {
	var d time.Duration
	if m := amountOfTime.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text))); m != nil {
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[m[2][0]]
		var n float64
		if _, err := fmt.Sscan(m[1], &n); err != nil {
			return ""
		}
		d = time.Duration(n * float64(unit))
	} else if parsed, err := time.ParseDuration(text); err == nil {
		d = parsed
	}
	if d < time.Second {
		return ""
	}
	return fmt.Sprintf("write it in seconds: %d", int(d.Seconds()))
}

var amount = regexp.MustCompile(`(?i)^\s*(\d+(?:[.,]\d+)?)\s*(?:([kmgtp])i?(?:b(?:ytes?)?)?|cores?|cpus?|gpus?|b(?:ytes?)?|(millicores?|milli))\s*$`)

// meantQuantity gives a hint for what is no quantity of Kubernetes: 8GB.
func meantQuantity(value any) string {
	m := amount.FindStringSubmatch(fmt.Sprint(value))
	if m == nil {
		return "write it as 500m, 2, 512Mi or 4Gi"
	}
	n := strings.ReplaceAll(m[1], ",", ".")
	switch unit := strings.ToUpper(m[2]); {
	case m[3] != "":
		return "write " + n + "m"
	case unit == "":
		return "write " + n
	case unit == "K":
		return "write " + n + "k, or " + n + "Ki for 1024 of them"
	default:
		return "write " + n + unit + ", or " + n + unit + "i for powers of 1024"
	}
}
