package converter

import (
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// DropsElement reports whether a version's converter drops an element of a command or of its
// arguments. Version 2 drops null and empty texts. Version 1.11.3 drops whatever is false
// in Python, which includes 0, 0.0 and false.
func DropsElement(value any, version schema.Version) bool {
	if version.Major == 1 {
		return !python.Truth(value)
	}
	return value == nil || value == ""
}

// mainContainer returns the main container, with the ports of a service added.
func (r Run) mainContainer(container map[string]any) map[string]any {
	c := r.withConnections(container)
	c["name"] = r.mainName()
	put(c, "ports", r.ports(list(c["ports"])))
	return r.container(c)
}

// withConnections returns a copy of a container with the environment variables of params and
// the mounts of connections added.
func (r Run) withConnections(container map[string]any) map[string]any {
	c := maps.Clone(container)
	if c == nil {
		c = map[string]any{}
	}
	env := slices.Clone(toList(c["env"]))
	for _, v := range r.Variables {
		env = append(env, map[string]any{"name": v.Name, "value": r.text(v.Value)})
	}
	if !r.isVersion1() && !requestsGPU(mapping(c["resources"])) {
		// Without this variable, NVIDIA's runtime exposes all GPUs of the node to a container.
		env = append(env, map[string]any{"name": "NVIDIA_VISIBLE_DEVICES", "value": "none"})
	}
	put(c, "env", env)
	put(c, "volumeMounts", append(slices.Clone(list(c["volumeMounts"])), r.mounts()...))
	return c
}

// toList wraps a value that is not a list in a list of one element.
func toList(value any) []any {
	if l, ok := value.([]any); ok || value == nil {
		return l
	}
	return []any{value}
}

// container returns a container as it stands in the pod.
func (r Run) container(container map[string]any) map[string]any {
	c := maps.Clone(container)
	for _, key := range []string{"command", "args"} {
		if !python.Truth(c[key]) {
			delete(c, key)
			continue
		}
		kept := []any{}
		for _, element := range toList(c[key]) {
			if !DropsElement(element, r.Version) {
				kept = append(kept, python.Str(element))
			}
		}
		c[key] = kept
	}
	if resources := mapping(c["resources"]); resources != nil {
		c["resources"] = quantities(resources)
	} else if !python.Truth(c["resources"]) {
		delete(c, "resources")
	}
	if env := toList(c["env"]); len(env) > 0 {
		c["env"] = r.env(env)
	}
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	return c
}

// quantities converts the amounts of a container's resources to text.
func quantities(resources map[string]any) map[string]any {
	all := map[string]any{}
	for _, key := range []string{"limits", "requests"} {
		amounts := mapping(resources[key])
		if len(amounts) == 0 {
			continue
		}
		texts := make(map[string]any, len(amounts))
		for name, amount := range amounts {
			texts[name] = python.Str(amount)
		}
		all[key] = texts
	}
	return all
}

func requestsGPU(resources map[string]any) bool {
	for _, key := range []string{"limits", "requests"} {
		for name := range mapping(resources[key]) {
			if strings.Contains(name, "gpu") {
				return true
			}
		}
	}
	return false
}

// env converts the values of variables to text; null becomes "null". Of two variables
// with the same name, version 2 keeps the last.
func (r Run) env(variables []any) []any {
	var all []any
	for _, element := range variables {
		variable, ok := element.(map[string]any)
		if !ok {
			continue
		}
		made := make(map[string]any, len(variable))
		for key, value := range variable {
			if key == "name" || key == "value" {
				made[key] = r.text(value)
			} else {
				made[key] = r.valueSource(value)
			}
		}
		all = append(all, made)
	}
	if r.isVersion1() {
		return all
	}
	kept, seen := []any{}, map[any]bool{}
	for _, variable := range slices.Backward(all) {
		if name := mapping(variable)["name"]; !seen[name] {
			seen[name] = true
			kept = append(kept, variable)
		}
	}
	slices.Reverse(kept)
	return kept
}

// valueSource converts the values in a variable's source, such as valueFrom, to text.
func (r Run) valueSource(value any) any {
	m, ok := value.(map[string]any)
	if !ok {
		return r.text(value)
	}
	made := make(map[string]any, len(m))
	for key, element := range m {
		made[key] = r.valueSource(element)
	}
	return made
}

// ports returns the container's own ports and those of a service. Version 2 removes
// duplicates.
func (r Run) ports(own []any) []any {
	all := slices.Clone(own)
	for _, port := range list(r.Spec["ports"]) {
		all = append(all, map[string]any{"containerPort": port})
	}
	if r.isVersion1() {
		return all
	}
	var kept []any
	seen := map[any]bool{}
	for _, element := range all {
		if port := mapping(element)["containerPort"]; port != nil && !seen[port] {
			seen[port] = true
			kept = append(kept, element)
		}
	}
	return kept
}
