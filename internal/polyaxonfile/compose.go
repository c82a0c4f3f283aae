package polyaxonfile

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// notLayered are the keys of a file that say how it is put together, or are put
// together in a way of their own.
func notLayered() []string {
	return []string{
		"component", "hubRef", "pathRef", "urlRef", "dagRef", "isPreset", "patchStrategy", "run", "runPatch", "strictParams", "version", "kind",
		"container", "cmd", "env", "resources", "ports", "environment", "init", "connections", "sidecars", "volumes",
	}
}

// compose lays a shaped file on its component, and that one on its own: what is
// left has neither references nor patches nor shortcuts.
func (s *shaper) compose(local map[string]any) (map[string]any, error) {
	effective := map[string]any{}
	if component, ok := local["component"].(map[string]any); ok {
		var err error
		if effective, err = s.compose(component); err != nil {
			return nil, err
		}
	} else if local["hubRef"] != nil || local["pathRef"] != nil || local["urlRef"] != nil || local["dagRef"] != nil {
		return nil, &InvalidError{[]string{"Collect the Polyaxonfile reference before composing its local fields."}}
	}
	local = clone(local)
	strategy, _ := local["patchStrategy"].(string)
	if strategy == "" {
		strategy = postMerge
	}
	strict := effective["strictParams"] == true || local["strictParams"] == true
	layered := map[string]any{}
	for key, value := range local {
		if !slices.Contains(notLayered(), key) {
			layered[key] = value
		}
	}
	s.layer(s.tables.Object("operation"), effective, layered, strategy)
	// Inputs, outputs and what else an operation has no key for are the component's.
	for key, value := range layered {
		if _, here, _ := s.tables.Object("operation").Find(key, s.version); !here {
			field, _, _ := s.tables.Object("component").Find(key, s.version)
			effective[key] = s.layerValue(s.tables.Object("component"), key, field.Type, effective[key], value, strategy)
		}
	}
	if !s.version.Before(since218()) {
		effective["strictParams"] = strict
	}
	if effective["version"] == nil && local["version"] != nil {
		effective["version"] = local["version"]
	}
	if run, ok := local["run"]; ok {
		patched, err := s.layRun(effective["run"], run, strategy)
		if err != nil {
			return nil, err
		}
		effective["run"] = patched
	}
	run, err := s.shortcuts(effective["run"], local, strategy)
	if err != nil {
		return nil, err
	}
	if over, ok := local["runPatch"].(map[string]any); ok && len(over) > 0 {
		if run == nil {
			return nil, &InvalidError{[]string{"runPatch requires a resolved runtime."}}
		}
		if err := s.patchRun(run, over, strategy); err != nil {
			return nil, err
		}
	}
	if run != nil {
		effective["run"] = run
	}
	return effective, nil
}

// layRun lays a file's own run on that of its component.
func (s *shaper) layRun(old, value any, strategy string) (any, error) {
	base, _ := old.(map[string]any)
	over, ok := value.(map[string]any)
	if ok && over["kind"] == nil {
		if base == nil {
			return nil, &InvalidError{[]string{"1 validation error for V1Operation\n  Value error, run.kind must be provided locally or by a referenced base."}}
		}
		return base, s.patchRun(base, over, strategy)
	}
	if base == nil {
		return value, nil
	}
	return s.layerKind(s.tables.Union("run"), base, value, strategy), nil
}

// patchRun lays a patch on a run. A patch of a run that has replicas may also be one
// for each of them.
func (s *shaper) patchRun(run, over map[string]any, strategy string) error {
	return s.patchRunAs(run, run, over, strategy)
}

// patchRunAs lays a patch on a run that stands for a part of another one, whose kind
// and replicas it has.
func (s *shaper) patchRunAs(native, run, over map[string]any, strategy string) error {
	name, _ := native["kind"].(string)
	kind, here, _ := s.tables.Union("run").Find(name, s.version)
	if !here {
		return &InvalidError{[]string{"runPatch cannot be validate without a supported kind."}}
	}
	shaped, err := s.object(kind.Object, over)
	if replicas := s.replicas(kind.Object, native); err != nil && len(replicas) > 0 {
		spread := map[string]any{}
		for _, path := range replicas {
			m := spread
			for _, key := range path[:len(path)-1] {
				if m[key] == nil {
					m[key] = map[string]any{}
				}
				m, _ = m[key].(map[string]any)
			}
			m[path[len(path)-1]] = cloneAny(over)
		}
		shaped, err = s.object(kind.Object, spread)
	}
	if err != nil {
		return invalidRun(err)
	}
	s.layer(kind.Object, run, shaped, strategy)
	return nil
}

func invalidRun(err error) error { return &InvalidError{[]string{err.Error()}} }

// replicas gives the paths of a run's replicas that there are: worker, or
// workers NAME.
func (s *shaper) replicas(o *schema.Object, run map[string]any) [][]string {
	var paths [][]string
	for _, f := range o.Fields {
		value, ok := run[f.Key].(map[string]any)
		if !ok || !f.Has(s.version) {
			continue
		}
		for _, c := range f.Type {
			switch {
			case c.Form == schema.Mapping && isReplica(c.Object):
				paths = append(paths, []string{f.Key})
			case c.Form == schema.Map && len(c.Elem) > 0 && c.Elem[0].Form == schema.Mapping && isReplica(c.Elem[0].Object):
				for _, name := range sortedKeys(value) {
					paths = append(paths, []string{f.Key, name})
				}
			}
		}
	}
	return paths
}

func isReplica(o *schema.Object) bool {
	_, ok, _ := o.Find("container", Version{})
	return ok && !o.Kubernetes
}

// containers gives the main containers of a run: its own, or its replicas'.
func (s *shaper) containers(run map[string]any) []map[string]any {
	name, _ := run["kind"].(string)
	kind, _, _ := s.tables.Union("run").Find(name, s.version)
	var all []map[string]any
	holders := []map[string]any{run}
	if kind.Object != nil && !isReplica(kind.Object) {
		holders = nil
		for _, path := range s.replicas(kind.Object, run) {
			m := run
			for _, key := range path {
				m, _ = m[key].(map[string]any)
			}
			holders = append(holders, m)
		}
	}
	for _, holder := range holders {
		if container, ok := holder["container"].(map[string]any); ok {
			all = append(all, container)
		}
	}
	return all
}

// shortcuts lays the keys at the top of a 2.18 file that stand for parts of a run:
// ports make it a service, anything else a job where there is none.
func (s *shaper) shortcuts(old any, local map[string]any, strategy string) (map[string]any, error) {
	run, _ := old.(map[string]any)
	lay := func(over map[string]any, strategy, kind string) error {
		if run == nil {
			run = map[string]any{"kind": kind}
			strategy = postMerge
		}
		return s.patchRun(run, over, strategy)
	}
	if ports := local["ports"]; ports != nil {
		if err := lay(map[string]any{"ports": ports}, strategy, "service"); err != nil {
			return nil, err
		}
	}
	if container, ok := local["container"]; ok {
		if err := lay(map[string]any{"container": container}, strategy, "job"); err != nil {
			return nil, err
		}
	}
	if err := s.command(&run, local["cmd"], strategy, lay); err != nil {
		return nil, err
	}
	if env, ok := local["env"].(map[string]any); ok {
		if err := s.environment(&run, env, strategy, lay); err != nil {
			return nil, err
		}
	}
	if resources, ok := local["resources"].(map[string]any); ok {
		if err := lay(map[string]any{"container": map[string]any{"resources": lowered(resources)}}, strategy, "job"); err != nil {
			return nil, err
		}
	}
	for _, key := range []string{"environment", "init", "connections", "sidecars", "volumes"} {
		if value := local[key]; value != nil {
			if err := lay(map[string]any{key: value}, strategy, "job"); err != nil {
				return nil, err
			}
		}
	}
	return run, nil
}

type layFunc = func(over map[string]any, strategy, kind string) error

// command makes a container's command of cmd: never half of one and half of another.
func (s *shaper) command(run *map[string]any, cmd any, strategy string, lay layFunc) error {
	var lines []string
	switch x := cmd.(type) {
	case string:
		lines = []string{x}
	case []any:
		for _, line := range x {
			lines = append(lines, python.Str(line))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	pair := map[string]any{"command": []any{"/bin/sh", "-c"}, "args": []any{strings.Join(append([]string{"set -e"}, lines...), "\n")}}
	if *run == nil || strategy != preMerge && strategy != isNull {
		return lay(map[string]any{"container": pair}, replace, "job")
	}
	type kept struct {
		container     map[string]any
		command, args any
	}
	var all []kept
	for _, c := range s.containers(*run) {
		if c["command"] != nil || c["args"] != nil {
			all = append(all, kept{c, c["command"], c["args"]})
		}
	}
	if err := lay(map[string]any{"container": pair}, isNull, "job"); err != nil {
		return err
	}
	for _, k := range all {
		k.container["command"], k.container["args"] = k.command, k.args
	}
	return nil
}

// environment puts env into the main containers: of two values of a name the last
// one stays.
func (s *shaper) environment(run *map[string]any, env map[string]any, strategy string, lay layFunc) error {
	var entries, typed []any
	for _, name := range sortedKeys(env) {
		entries = append(entries, map[string]any{"name": name, "value": env[name]})
		typed = append(typed, map[string]any{"name": name, "value": env[name], "value_from": nil}) // as Polyaxon writes them
	}
	over := map[string]any{"container": map[string]any{"env": entries}}
	if *run == nil || strategy != postMerge && strategy != preMerge {
		return lay(over, strategy, "job")
	}
	before := map[int]any{}
	for i, c := range s.containers(*run) {
		before[i] = cloneAny(c["env"])
	}
	if err := lay(over, strategy, "job"); err != nil {
		return err
	}
	for i, c := range s.containers(*run) {
		original, isList := before[i].([]any)
		switch {
		case before[i] != nil && !isList:
		case strategy == postMerge:
			c["env"] = lastOfName(append(slices.Clone(original), typed...))
		default:
			c["env"] = lastOfName(append(slices.Clone(typed), original...))
		}
	}
	return nil
}

func lastOfName(env []any) []any {
	var kept []any
	seen := map[string]bool{}
	for _, entry := range slices.Backward(env) {
		m, _ := entry.(map[string]any)
		name, ok := m["name"].(string)
		if _, named := m["name"]; !named && len(m) == 1 {
			name, ok = sortedKeys(m)[0], true
		}
		if ok && seen[name] {
			continue
		}
		seen[name] = seen[name] || ok
		kept = append(kept, entry)
	}
	slices.Reverse(kept)
	return kept
}

// lowered gives the requests and limits of resources: 1..2 is both, devices are
// always both.
func lowered(resources map[string]any) map[string]any {
	requests, limits := map[string]any{}, map[string]any{}
	for name, value := range resources {
		device := name != "cpu" && name != "memory"
		if name == "gpu" {
			name = gpuResource
		}
		low, high := value, any(nil)
		if text, ok := value.(string); ok {
			from, to, isRange := strings.Cut(text, "..")
			low, high = bound(from, device), bound(to, device)
			if !isRange && device {
				high = low
			}
		} else if device {
			high = low
		}
		if low != nil {
			requests[name] = low
		}
		if high != nil {
			limits[name] = high
		}
	}
	both := map[string]any{}
	if len(requests) > 0 {
		both["requests"] = requests
	}
	if len(limits) > 0 {
		both["limits"] = limits
	}
	return both
}

func bound(text string, device bool) any {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	if i, ok := toInt(text); ok && device {
		return i
	}
	return text
}
