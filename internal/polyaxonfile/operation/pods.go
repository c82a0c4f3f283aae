package operation

import (
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// Pod is one kind of pod that a run creates. For a job or a service it is the run itself;
// for a distributed run it is one of its replicas.
type Pod struct {
	// Spec contains the container, the environment, the volumes and the connections.
	Spec map[string]any
	// Path leads from the operation to Spec.
	Path []string
	// Helper means that the pod does not do the work itself: the launcher of an mpijob, the
	// parameter servers and the evaluator of a tfjob, the scheduler of a daskcluster, and the
	// head of a raycluster.
	Helper bool
}

// replicas are the keys of the replicas of each distributed kind of run. The value
// reports whether the replica is a helper.
var replicas = map[string]map[string]bool{
	"tfjob":       {"chief": false, "worker": false, "ps": true, "evaluator": true},
	"pytorchjob":  {"master": false, "worker": false},
	"mpijob":      {"launcher": true, "worker": false},
	"daskcluster": {"worker": false, "scheduler": true},
	"raycluster":  {"head": true},
}

// Pods returns the pods of a component's run, including those of the operations in a dag.
// path is the path of the component.
func Pods(component map[string]any, path []string) []Pod {
	run, _ := component["run"].(map[string]any)
	if run == nil {
		if _, short := component["container"].(map[string]any); short {
			return []Pod{{Spec: component, Path: path}} // the short form of 2.18
		}
		return nil
	}
	at := append(slices.Clip(path), "run")
	kind, _ := run["kind"].(string)
	if kind == "dag" {
		return dagPods(run, at)
	}
	keys, distributed := replicas[kind]
	if !distributed {
		return []Pod{{Spec: run, Path: at}}
	}
	var all []Pod
	for _, key := range plain.Keys(keys) {
		if spec, ok := run[key].(map[string]any); ok {
			all = append(all, Pod{Spec: spec, Path: append(slices.Clip(at), key), Helper: keys[key]})
		}
	}
	// The workers of a raycluster are grouped by name.
	workers, _ := run["workers"].(map[string]any)
	for _, group := range plain.Keys(workers) {
		if spec, ok := workers[group].(map[string]any); ok {
			all = append(all, Pod{Spec: spec, Path: append(slices.Clip(at), "workers", group)})
		}
	}
	return all
}

func dagPods(run map[string]any, at []string) []Pod {
	var all []Pod
	components, _ := run["components"].([]any)
	for i, element := range components {
		if component, ok := element.(map[string]any); ok {
			all = append(all, Pods(component, append(slices.Clip(at), "components", strconv.Itoa(i)))...)
		}
	}
	operations, _ := run["operations"].([]any)
	for i, element := range operations {
		operation, _ := element.(map[string]any)
		if component, ok := operation["component"].(map[string]any); ok {
			all = append(all, Pods(component, append(slices.Clip(at), "operations", strconv.Itoa(i), "component"))...)
		}
	}
	return all
}

// Container returns the main container. It returns nil when there is none, or when it is
// a template.
func (p Pod) Container() map[string]any {
	container, _ := p.Spec["container"].(map[string]any)
	return container
}
