package polyaxonfile

// pod is one kind of pod that a run makes: of a job or a service the run itself,
// of a distributed run one of its replicas.
type pod struct {
	// spec has the container, the environment, the volumes and the connections.
	spec map[string]any
	// path leads to it from the operation.
	path []string
	// helper tells that it does no work itself: the launcher of an mpijob, the
	// parameter servers and the evaluator of a tfjob, the head of a raycluster.
	helper bool
}

// replicas are the keys of the runs that have several kinds of pods, and whether
// each is a helper.
var replicas = map[string]map[string]bool{
	"tfjob":       {"chief": false, "worker": false, "ps": true, "evaluator": true},
	"pytorchjob":  {"master": false, "worker": false},
	"mpijob":      {"launcher": true, "worker": false},
	"daskcluster": {"worker": false, "scheduler": true},
	"raycluster":  {"head": true},
}

// pods gives the pods of an operation's run, with those of the operations of a
// dag.
func pods(component map[string]any, path []string) []pod {
	run, _ := component["run"].(map[string]any)
	if run == nil {
		if _, short := component["container"].(map[string]any); short {
			return []pod{{spec: component, path: path}} // the short form of 2.18
		}
		return nil
	}
	at := extend(path, "run")
	kind, _ := run["kind"].(string)
	if kind == "dag" {
		return dagPods(run, at)
	}
	keys, distributed := replicas[kind]
	if !distributed {
		return []pod{{spec: run, path: at}}
	}
	var all []pod
	for _, key := range sortedKeys(keys) {
		if spec, ok := run[key].(map[string]any); ok {
			all = append(all, pod{spec: spec, path: extend(at, key), helper: keys[key]})
		}
	}
	workers, _ := run["workers"].(map[string]any) // of a raycluster, by group
	for _, group := range sortedKeys(workers) {
		if spec, ok := workers[group].(map[string]any); ok {
			all = append(all, pod{spec: spec, path: extend(extend(at, "workers"), group)})
		}
	}
	return all
}

func dagPods(run map[string]any, at []string) []pod {
	var all []pod
	components, _ := run["components"].([]any)
	for i, element := range components {
		if component, ok := element.(map[string]any); ok {
			all = append(all, pods(component, extend(extend(at, "components"), index(i)))...)
		}
	}
	operations, _ := run["operations"].([]any)
	for i, element := range operations {
		operation, _ := element.(map[string]any)
		if component, ok := operation["component"].(map[string]any); ok {
			all = append(all, pods(component, extend(extend(extend(at, "operations"), index(i)), "component"))...)
		}
	}
	return all
}

// container gives the main container, nil when there is none, or when a template
// stands for it.
func (p pod) container() map[string]any {
	container, _ := p.spec["container"].(map[string]any)
	return container
}

// section gives the mapping under a key, and makes it where it is missing; nil
// when something else stands there, such as a template.
func section(m map[string]any, key string) map[string]any {
	below, exists := m[key]
	if !exists || below == nil {
		made := map[string]any{}
		m[key] = made
		return made
	}
	found, _ := below.(map[string]any)
	return found
}

// tidy takes away a mapping or a list that is empty.
func tidy(m map[string]any, key string) {
	switch x := m[key].(type) {
	case map[string]any:
		if len(x) == 0 {
			delete(m, key)
		}
	case []any:
		if len(x) == 0 {
			delete(m, key)
		}
	}
}

// add puts an element at the end of the list under a key unless one is there that
// counts as the same. A template that stands for the list stays.
func add(m map[string]any, key string, element any, same func(any) bool) {
	list, isList := m[key].([]any)
	if !isList && m[key] != nil {
		return
	}
	for _, have := range list {
		if same(have) {
			return
		}
	}
	m[key] = append(list[:len(list):len(list)], element)
}

// named tells an element by one of its keys.
func named(key, value string) func(any) bool {
	return func(element any) bool {
		m, _ := element.(map[string]any)
		return m != nil && m[key] == value
	}
}

// variable gives a container's environment variable, nil when it has none of the
// name.
func variable(container map[string]any, name string) map[string]any {
	list, _ := container["env"].([]any)
	for _, element := range list {
		if named("name", name)(element) {
			return element.(map[string]any)
		}
	}
	return nil
}
