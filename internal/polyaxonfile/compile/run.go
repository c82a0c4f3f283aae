package compile

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// renderRun renders the run, with everything that its templates can see.
func (c *Compiled) renderRun(x Context) error {
	specs, err := c.specs(nil)
	if err != nil {
		return err
	}
	r := &renderer{c.version}
	run := plain.Clone(plain.Map(c.root["run"]))
	plugins := plain.Map(c.root["plugins"])
	pods := c.pods()
	extra := func(pod map[string]any) map[string]any {
		g := c.globals(x, plugins)
		if namespace := c.root["namespace"]; namespace != nil {
			g["namespace"] = namespace
		}
		if c.Kind == "service" {
			c.addServiceGlobals(g, plain.Map(c.root["run"]), x)
		}
		return map[string]any{"globals": g, "connections": schemas(x, names(pod["connections"])), "init": schemas(x, initConnections(pod))}
	}
	if pod, single := pods[""]; single {
		scope, err := scopeOf(specs, r, extra(pod))
		if err != nil {
			return err
		}
		if c.version.Major != 1 {
			markPod(run)
		}
		value, err := r.value(run, scope)
		if err != nil {
			return err
		}
		run = plain.Map(value)
	} else if err := c.renderReplicas(run, pods, specs, r, extra); err != nil {
		return err
	}
	root := plain.Clone(c.root)
	root["run"] = run
	return c.reshape(root)
}

// renderReplicas renders each replica with its own connections. Nothing else of a
// distributed run is rendered.
func (c *Compiled) renderReplicas(run map[string]any, pods map[string]map[string]any, specs []spec, r *renderer, extra func(map[string]any) map[string]any) error {
	for key, value := range run {
		replica, ok := value.(map[string]any)
		if !ok {
			continue
		}
		more := map[string]any{}
		if pod, ok := pods[key]; ok {
			more = extra(pod)
			if c.version.Major != 1 {
				markPod(replica)
			}
		} else if key == "workers" {
			// Polyaxon provides the contexts of a Ray cluster's workers only under their names.
			for path, pod := range pods {
				if name, ok := strings.CutPrefix(path, "workers."); ok {
					more[name] = extra(pod)
					markPod(plain.Map(replica[name]))
				}
			}
		} else {
			continue
		}
		all := specs
		for _, name := range plain.Keys(more) {
			all = append(all[:len(all):len(all)], spec{name: name, value: more[name], literal: true})
		}
		scope, err := scopeOf(all, r, nil)
		if err != nil {
			return err
		}
		if run[key], err = r.value(replica, scope); err != nil {
			return err
		}
	}
	return nil
}
