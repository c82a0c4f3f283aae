// Package converter creates the pod of a run whose templates are rendered, as the
// converter of a version of Polyaxon does. It handles commands, arguments, variables,
// resources, volumes and the containers beside the main one. It omits what Polyaxon adds
// for itself: its own containers, the variables that begin with POLYAXON_, and the
// volumes that they share.
package converter

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Run is a run, or one replica of a distributed one.
type Run struct {
	Version schema.Version
	// Kind is the kind of the run. It determines the name of the main container.
	Kind string
	// Spec is the section of the run or of the replica.
	Spec map[string]any
	// Variables are the params that become environment variables.
	Variables []Variable
	// Connections are the connections that the run names and that the agent has.
	Connections []Connection
	// PlainSidecars means that sidecars get no connections and no variables
	// (plugins.sidecar.noConnections).
	PlainSidecars bool
	// Replica means that this is one replica of a distributed run.
	Replica bool
}

// Variable is a param that becomes the environment variable Name.
type Variable struct {
	Name  string
	Value any
}

// Connection is one of the agent's connections. Kind is its kind, such as volume_claim,
// and Schema its settings.
type Connection struct {
	Name, Kind string
	Schema     map[string]any
	// InitOnly means that only an init container uses the connection.
	InitOnly bool
}

// Main is the name of the main container, except in Kubeflow's jobs.
const Main = "polyaxon-main"

// isVersion1 reports whether the converter is that of Polyaxon 1.
func (r Run) isVersion1() bool { return r.Version.Major == 1 }

// Template returns the pod template, with metadata and spec as Kubernetes has them.
func (r Run) Template() map[string]any {
	environment := mapping(r.Spec["environment"])
	containers := []any{r.mainContainer(mapping(r.Spec["container"]))}
	for _, element := range list(r.Spec["sidecars"]) {
		sidecar := mapping(element)
		if !r.isVersion1() && !r.PlainSidecars {
			sidecar = r.withConnections(sidecar)
		}
		containers = append(containers, r.container(sidecar))
	}
	spec := map[string]any{"containers": containers}
	var inits []any
	for _, element := range list(r.Spec["init"]) {
		if init := mapping(element); !hasSource(init) && init["container"] != nil {
			inits = append(inits, init["container"])
		}
	}
	put(spec, "initContainers", r.each(inits))
	put(spec, "volumes", append(slices.Clone(list(r.Spec["volumes"])), r.volumes()...))
	for key, value := range environment {
		switch key {
		case "labels", "annotations":
		case "imagePullSecrets":
			var secrets []any
			for _, name := range list(value) {
				secrets = append(secrets, map[string]any{"name": name})
			}
			put(spec, key, secrets)
		case "nodeSelector":
			if !r.isVersion1() {
				value = r.texts(mapping(value))
			}
			spec[key] = value
		case "hostPID":
			if !r.isVersion1() {
				value = python.Str(value) // Polyaxon 2 writes text here, which Kubernetes refuses
			}
			spec[key] = value
		default:
			if value != nil {
				spec[key] = value
			}
		}
	}
	metadata := map[string]any{}
	for _, key := range []string{"labels", "annotations"} {
		if r.isVersion1() && r.Replica {
			continue // a replica gets only the labels and annotations of the run
		}
		if texts := r.texts(mapping(environment[key])); len(texts) > 0 {
			metadata[key] = texts
		}
	}
	template := map[string]any{"spec": spec}
	if len(metadata) > 0 {
		template["metadata"] = metadata
	}
	return template
}

// Custom returns the containers of those elements of init that also name a connection.
// Polyaxon runs them before the other init containers.
func (r Run) Custom() []any {
	var custom []any
	for _, element := range list(r.Spec["init"]) {
		if init := mapping(element); python.Truth(init["connection"]) && init["container"] != nil {
			custom = append(custom, init["container"])
		}
	}
	return r.each(custom)
}

// hasSource reports whether an element of init fetches something. Polyaxon does that in a
// container of its own.
func hasSource(init map[string]any) bool {
	for _, key := range []string{"connection", "git", "dockerfile", "file", "artifacts", "paths", "tensorboard", "lineageRef", "modelRef", "artifactRef"} {
		if python.Truth(init[key]) {
			return true
		}
	}
	return false
}

func (r Run) each(containers []any) []any {
	var all []any
	for _, container := range containers {
		all = append(all, r.container(mapping(container)))
	}
	return all
}

// texts converts the values of a mapping to text.
func (r Run) texts(m map[string]any) map[string]any {
	texts := make(map[string]any, len(m))
	for key, value := range m {
		texts[key] = r.text(value)
	}
	return texts
}

func (r Run) text(value any) string { return Text(value, r.Version) }

// Text returns the value of a variable, a label or an annotation as a version writes it
// to the pod: text stays as it is, and anything else becomes JSON.
func Text(value any, version schema.Version) string {
	if text, ok := value.(string); ok {
		return text
	}
	if version.Major == 1 {
		return python.Dumps(value)
	}
	return python.JSON(value)
}

func mapping(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func list(value any) []any {
	l, _ := value.([]any)
	return l
}

func put(m map[string]any, key string, values []any) {
	if len(values) > 0 {
		m[key] = values
	}
}

// mainName returns the name of the main container.
func (r Run) mainName() string {
	switch r.Kind {
	case "tfjob":
		return "tensorflow"
	case "pytorchjob":
		return "pytorch"
	}
	return Main
}
