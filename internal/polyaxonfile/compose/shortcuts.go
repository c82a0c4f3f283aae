package compose

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
)

// shortcuts applies the keys at the top level of a 2.18 file that stand for parts of a
// run. Without a run, ports create a service and any other key a job.
func (s *Composer) shortcuts(old any, local map[string]any, strategy string) (map[string]any, error) {
	run, _ := old.(map[string]any)
	merge := func(over map[string]any, strategy, kind string) error {
		if run == nil {
			run = map[string]any{"kind": kind}
			strategy = postMerge
		}
		return s.patchRun(run, over, strategy)
	}
	if ports := local["ports"]; ports != nil {
		if err := merge(map[string]any{"ports": ports}, strategy, "service"); err != nil {
			return nil, err
		}
	}
	if container, ok := local["container"]; ok {
		if err := merge(map[string]any{"container": container}, strategy, "job"); err != nil {
			return nil, err
		}
	}
	if err := s.command(&run, local["cmd"], strategy, merge); err != nil {
		return nil, err
	}
	if env, ok := local["env"].(map[string]any); ok {
		if err := s.environment(&run, env, strategy, merge); err != nil {
			return nil, err
		}
	}
	if resources, ok := local["resources"].(map[string]any); ok {
		if err := merge(map[string]any{"container": map[string]any{"resources": resourceLists(resources)}}, strategy, "job"); err != nil {
			return nil, err
		}
	}
	for _, key := range []string{"environment", "init", "connections", "sidecars", "volumes"} {
		if value := local[key]; value != nil {
			if err := merge(map[string]any{key: value}, strategy, "job"); err != nil {
				return nil, err
			}
		}
	}
	return run, nil
}

type mergeFunc = func(over map[string]any, strategy, kind string) error

// command sets a container's command and args from cmd. It never mixes a command with the
// args of another.
func (s *Composer) command(run *map[string]any, cmd any, strategy string, merge mergeFunc) error {
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
		return merge(map[string]any{"container": pair}, replace, "job")
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
	if err := merge(map[string]any{"container": pair}, isNull, "job"); err != nil {
		return err
	}
	for _, k := range all {
		k.container["command"], k.container["args"] = k.command, k.args
	}
	return nil
}

// environment adds env to the main containers. Of two values with the same name, the last
// one is kept.
func (s *Composer) environment(run *map[string]any, env map[string]any, strategy string, merge mergeFunc) error {
	var entries, typed []any
	for _, name := range plain.Keys(env) {
		entries = append(entries, map[string]any{"name": name, "value": env[name]})
		// Polyaxon writes these entries with value_from.
		typed = append(typed, map[string]any{"name": name, "value": env[name], "value_from": nil})
	}
	over := map[string]any{"container": map[string]any{"env": entries}}
	if *run == nil || strategy != postMerge && strategy != preMerge {
		return merge(over, strategy, "job")
	}
	before := map[int]any{}
	for i, c := range s.containers(*run) {
		before[i] = plain.Copy(c["env"])
	}
	if err := merge(over, strategy, "job"); err != nil {
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
			name, ok = plain.Keys(m)[0], true
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

// resourceLists returns the requests and limits for resources. A range 1..2 sets both, and
// devices always get both.
func resourceLists(resources map[string]any) map[string]any {
	requests, limits := map[string]any{}, map[string]any{}
	for name, value := range resources {
		device := name != "cpu" && name != "memory"
		if name == "gpu" {
			name = "nvidia.com/gpu"
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
	if i, ok := shape.ToInt(text); ok && device {
		return i
	}
	return text
}
