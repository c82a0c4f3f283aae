package check

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// suggestion is a key that people write instead of another one, because Docker, GitHub or
// Polyaxon 0.x calls it so.
type suggestion struct {
	object, written string
	// key is the key of the object that is meant. It is "" when the hint alone explains what to
	// write.
	key, hint string
}

// suggestions returns the wrong keys that are not misspellings. Objects of Kubernetes are
// named by their type.
func suggestions() []suggestion {
	return []suggestion{
		{"io", "default", "value", ""},
		{"io", "defaultValue", "value", ""},
		{"io", "required", "isOptional", "write isOptional, which is the opposite"},
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
		{"Volume", "mountPath", "", "write it in the container's volumeMounts"},
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
		{"component", "matrix", "", "write matrix in an operation that contains the component"},
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

// suggestKey returns the key that is probably meant by a key which the object does not
// have, and a hint. It looks for a known meaning, for a similar spelling, and for other
// objects that have the key. The key is "" when it is not one of this object's.
func (v *validator) suggestKey(o *schema.Object, written string) (key, hint string) {
	for _, m := range suggestions() {
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
	inner := v.findNested(o, written)
	if near, ok := source.Nearest(written, o.Keys(v.version)); ok && (inner == "" || strings.EqualFold(near, written)) {
		return near, "did you mean " + near + "?"
	}
	if inner != "" {
		return "", "it belongs in " + inner
	}
	for i := len(v.parents) - 2; i >= 0; i-- { // the last one is o
		if _, here, _ := v.parents[i].object.Find(written, v.version); here {
			return "", "it belongs beside " + v.path[v.parents[i].depth]
		}
	}
	return "", ""
}

// findNested returns the path from an object to the nearest object inside it that has a key.
// For resources in run it returns container.
func (v *validator) findNested(o *schema.Object, key string) string {
	for depth := 1; depth <= 2; depth++ {
		if found := v.findAtDepth(o, key, depth); found != "" {
			return found
		}
	}
	return ""
}

// findAtDepth searches for a key in the objects that are exactly depth levels further down.
func (v *validator) findAtDepth(o *schema.Object, key string, depth int) string {
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
				if found := v.findAtDepth(inner, key, depth-1); found != "" {
					return name + "." + found
				}
			}
		}
	}
	return ""
}
