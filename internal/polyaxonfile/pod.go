package polyaxonfile

import (
	"encoding/json"
	"errors"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Pod is the typed parts of a resolved run of kind job or service: what the sandbox
// runs.
type Pod struct {
	Container   corev1.Container
	Init        []corev1.Container
	Sidecars    []corev1.Container
	Volumes     []corev1.Volume
	Connections []string
	Environment Environment
	Ports       []int
	RewritePath bool
	Termination Termination
	// ToEnv are params that become environment variables of the container.
	ToEnv map[string]string
}

// Environment is run.environment, with what the sandbox heeds.
type Environment struct {
	Labels        map[string]any `json:"labels"`
	Annotations   map[string]any `json:"annotations"`
	NodeSelector  map[string]any `json:"nodeSelector"`
	RestartPolicy string         `json:"restartPolicy"`
}

// Termination limits a run: seconds, and how often it is tried again.
type Termination struct {
	MaxRetries int `json:"maxRetries"`
	TTL        int `json:"ttl"`
	Timeout    int `json:"timeout"`
}

// Pod reads the typed parts of a resolved run. What the sandbox cannot run, and what
// Kubernetes would refuse, is a *CompileError.
func (c *Compiled) Pod() (*Pod, error) {
	run := asMap(c.root["run"])
	texts(run)
	p := Pod{ToEnv: c.ToEnv}
	var inits []map[string]any
	err := errors.Join(
		take(run, "container", &p.Container), take(run, "sidecars", &p.Sidecars), take(run, "volumes", &p.Volumes),
		take(run, "connections", &p.Connections), take(run, "environment", &p.Environment), take(run, "ports", &p.Ports),
		take(run, "rewritePath", &p.RewritePath), take(run, "init", &inits), take(c.root, "termination", &p.Termination),
	)
	if err != nil {
		return nil, err
	}
	var unsupported []string
	for _, init := range inits {
		container := corev1.Container{}
		if err := take(init, "container", &container); err != nil {
			return nil, err
		}
		for _, key := range sortedKeys(init) {
			if key != "container" && key != "connection" && key != "path" {
				unsupported = append(unsupported, "init."+key)
			}
		}
		p.Init = append(p.Init, container)
	}
	if len(unsupported) > 0 {
		return nil, &CompileError{"the sandbox of this version of slipway does not run " + strings.Join(unsupported, ", ")}
	}
	return &p, nil
}

func take(from map[string]any, key string, into any) error {
	value, ok := from[key]
	if !ok || value == nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return compileErrorf("%s cannot be read: %v", key, err)
	}
	return nil
}

// texts makes texts of what Kubernetes wants as text and Polyaxon sends as it is:
// arguments and the values of variables. An argument that is nothing is left out.
func texts(run map[string]any) {
	containers := []any{run["container"]}
	for _, key := range []string{"sidecars", "init"} {
		list, _ := run[key].([]any)
		for _, element := range list {
			if m, ok := element.(map[string]any); ok && key == "init" {
				element = m["container"]
			}
			containers = append(containers, element)
		}
	}
	for _, container := range containers {
		m, ok := container.(map[string]any)
		if !ok {
			continue
		}
		for _, key := range []string{"command", "args"} {
			if one, isText := m[key].(string); isText { // Polyaxon's converter makes a list of it
				m[key] = []any{one}
			}
			list, ok := m[key].([]any)
			if !ok {
				continue
			}
			kept := []any{}
			for _, element := range list {
				if element != nil {
					kept = append(kept, toText(element))
				}
			}
			m[key] = kept
		}
		variables, _ := m["env"].([]any)
		for _, variable := range variables {
			if v, ok := variable.(map[string]any); ok && v["value"] != nil {
				v["value"] = toText(v["value"])
			}
		}
	}
}
