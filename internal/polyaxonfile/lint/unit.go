package lint

import "github.com/slipway-ci/slipway/internal/polyaxonfile/file"

// unit is an operation with its component, or a component alone: the file's own,
// and each one of a dag. Templates see the inputs of their own unit.
type unit struct {
	// operation is nil where there is none.
	operation     map[string]any
	operationPath []string
	component     map[string]any
	path          []string // of the component
	run           map[string]any
	runPath       []string
	// nested tells that it belongs to a dag.
	nested bool
}

// maxUnits bounds the operations of dags in dags.
const maxUnits = 2000

// units gives a file's own unit first.
func units(f *file.File) []unit {
	component, path := f.Component()
	first := unit{component: component, path: path}
	if f.IsOperation() {
		first.operation = f.Root()
	}
	first.find()
	return first.withNested(nil)
}

// find fills in the run: the component's, or the operation's own.
func (u *unit) find() {
	if run, ok := u.component["run"].(map[string]any); ok {
		u.run, u.runPath = run, extend(u.path, "run")
	}
	if run, ok := u.operation["run"].(map[string]any); ok {
		u.run, u.runPath = run, extend(u.operationPath, "run")
	}
}

func (u unit) withNested(all []unit) []unit {
	all = append(all, u)
	if u.run["kind"] != "dag" {
		return all
	}
	byName := map[string]unit{}
	for i, value := range list(u.run["components"]) {
		if component, ok := value.(map[string]any); ok {
			inner := unit{component: component, path: extend(u.runPath, "components", itoa(i)), nested: true}
			inner.find()
			name, _ := component["name"].(string)
			byName[name] = inner
			all = append(all, inner)
		}
	}
	for i, value := range list(u.run["operations"]) {
		operation, ok := value.(map[string]any)
		if !ok || len(all) > maxUnits {
			continue
		}
		inner := unit{operation: operation, operationPath: extend(u.runPath, "operations", itoa(i)), nested: true}
		if component, ok := operation["component"].(map[string]any); ok {
			inner.component, inner.path = component, extend(inner.operationPath, "component")
		}
		inner.find()
		all = inner.withNested(all)
	}
	return all
}

// container is one of a run's, and where it stands.
type container struct {
	values map[string]any
	path   []string
	// role is main, sidecar, init, replica, or initializer for one that Polyaxon completes
	// to do what stands beside it: to fetch a git repository.
	role string
}

// containers gives all containers of a unit's run.
func (u unit) containers() []container {
	var all []container
	add := func(value any, role string, path ...string) {
		if values, ok := value.(map[string]any); ok {
			all = append(all, container{values, path, role})
		}
	}
	of := func(holder map[string]any, path []string, role string) {
		add(holder["container"], role, extend(path, "container")...)
		for i, value := range list(holder["sidecars"]) {
			add(value, "sidecar", extend(path, "sidecars", itoa(i))...)
		}
		for i, value := range list(holder["init"]) {
			init, _ := value.(map[string]any)
			role := "init"
			if len(init) > 1 {
				role = "initializer"
			}
			add(init["container"], role, extend(path, "init", itoa(i), "container")...)
		}
	}
	of(u.run, u.runPath, "main")
	for _, h := range u.replicas() {
		of(h.values, h.path, "replica")
	}
	if u.run == nil { // the shortcuts of 2.18
		of(u.component, u.path, "main")
	}
	return all
}

// replicas gives the parts of a distributed run.
func (u unit) replicas() []container {
	var all []container
	for _, key := range []string{"chief", "ps", "worker", "evaluator", "master", "launcher", "scheduler", "head"} {
		if values, ok := u.run[key].(map[string]any); ok {
			all = append(all, container{values, extend(u.runPath, key), "replica"})
		}
	}
	workers, _ := u.run["workers"].(map[string]any)
	for _, name := range sorted(workers) {
		if values, ok := workers[name].(map[string]any); ok {
			all = append(all, container{values, extend(u.runPath, "workers", name), "replica"})
		}
	}
	return all
}

// pods gives what becomes a pod each: the run, or its replicas; and the shortcuts.
func (u unit) pods() []container {
	if all := u.replicas(); len(all) > 0 {
		return all
	}
	if u.run != nil {
		return []container{{u.run, u.runPath, "main"}}
	}
	if u.component["container"] != nil {
		return []container{{u.component, u.path, "main"}}
	}
	return nil
}
