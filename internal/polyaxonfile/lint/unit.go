package lint

import "github.com/slipway-ci/slipway/internal/polyaxonfile/file"

// unit is an operation with its component, or a component alone. A file is a unit, and so
// is each operation and component of a dag. Templates see the inputs of their own unit.
type unit struct {
	// operation is nil when the unit is a component alone.
	operation     map[string]any
	operationPath []string
	component     map[string]any
	path          []string // of the component
	run           map[string]any
	runPath       []string
	// nested means that the unit belongs to a dag.
	nested bool
}

// maxUnits is the maximum number of units, which nested dags could otherwise exceed.
const maxUnits = 2000

// units returns the units of a file. The first is the file's own.
func units(f *file.File) []unit {
	component, path := f.Component()
	first := unit{component: component, path: path}
	if f.IsOperation() {
		first.operation = f.Root()
	}
	first.find()
	return first.withNested(nil)
}

// find sets the run: the operation's own if it has one, and else the component's.
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

// container is a container of a run, with its path.
type container struct {
	values map[string]any
	path   []string
	// role is main, sidecar, init, replica or initializer. An initializer has other keys beside
	// the container, for example git, and Polyaxon completes the container for that task.
	role string
}

// containers returns all containers of a unit's run.
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

// replicas returns the replicas of a distributed run.
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

// pods returns the parts of a unit that each become a pod: the run, or its replicas, or a
// component with shortcuts.
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
