package polyaxonfile

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// Resolve applies params and renders templates: what a server does before it
// makes the pod. Its errors are *CompileError in a server's words.
func (c *Compiled) Resolve(x Context) (*Compiled, error) {
	s, err := newShaper(c.version)
	if err != nil {
		return nil, err
	}
	r := &Compiled{root: clone(c.root), params: c.params, version: c.version, shaper: s, Kind: c.Kind, Name: c.Name, ToEnv: map[string]string{}}
	if c.Kind == "dag" {
		if err := r.checkDag(); err != nil {
			return nil, err
		}
		return r, r.checkConnections(x)
	}
	if c.root["build"] != nil {
		return nil, compileErrorf("Build resolution is not supported in this Polyaxon distribution")
	}
	if err := r.applyParams(); err != nil {
		return nil, err
	}
	if err := r.applyConnections(x); err != nil {
		return nil, err
	}
	if err := r.renderSections(x); err != nil {
		return nil, err
	}
	if err := r.checkConnections(x); err != nil {
		return nil, err
	}
	if r.Schedule() == "" {
		if err := r.renderRun(x); err != nil {
			return nil, err
		}
	}
	r.values()
	return r, nil
}

// applyParams gives every input and output its value, and makes contexts of all
// other params.
func (c *Compiled) applyParams() error {
	specs, err := c.specs(func(x inout, ref, value string) error {
		if strings.HasPrefix(value, "artifacts") {
			return nil
		}
		return noReference(x.name, value, ref)
	})
	if err != nil || len(specs) == 0 {
		return err
	}
	var contexts []any
	for _, s := range specs {
		entry := c.entry(s.name)
		if entry["delayValidation"] != nil && c.version.Major != 1 {
			return &CompileError{"'V1IO' object has no attribute 'delay_validation'"} // say validation: {delay: true}
		}
		if entry == nil {
			m := map[string]any{"name": s.name, "isOptional": true, "value": s.value}
			put(m, "connection", s.connection)
			put(m, "toEnv", s.toEnv)
			if s.toInit {
				m["toInit"] = true
			}
			contexts = append(contexts, m)
			continue
		}
		entry["isOptional"] = true
		if s.literal {
			entry["value"] = s.value
			put(entry, "connection", s.connection)
			put(entry, "toEnv", s.toEnv)
			if s.toInit {
				entry["toInit"] = true
			}
		}
	}
	c.root["contexts"] = contexts
	c.params = nil
	delete(c.root, "joins") // their params have been applied
	return nil
}

func put(m map[string]any, key, text string) {
	if text != "" {
		m[key] = text
	}
}

// entry gives the input or output of a name.
func (c *Compiled) entry(name string) map[string]any {
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range readIO(c.root, section) {
			if x.name == name {
				return x.entry
			}
		}
	}
	return nil
}

// pods gives the parts of a run that have containers: the run itself, or its
// replicas by the keys that lead to them.
func (c *Compiled) pods() map[string]map[string]any {
	run, _ := c.root["run"].(map[string]any)
	pods := map[string]map[string]any{}
	switch c.Kind {
	case "tfjob", "pytorchjob", "mpijob", "daskcluster", "raycluster":
		kind, _, _ := c.shaper.tables.Union("run").Find(c.Kind, c.version)
		for _, path := range c.shaper.replicas(kind.Object, run) {
			m := run
			for _, key := range path {
				m, _ = m[key].(map[string]any)
			}
			pods[strings.Join(path, ".")] = m
		}
	default:
		pods[""] = run // a dag has no pod of its own, and connections all the same
	}
	return pods
}

// applyConnections renders the names of connections, and puts init containers that
// params make before the others.
func (c *Compiled) applyConnections(x Context) error {
	if slices.Contains([]string{"notifier", "cleaner", "tuner", "daskcluster", "raycluster"}, c.Kind) {
		return nil
	}
	specs, err := c.specs(nil)
	if err != nil {
		return err
	}
	r := &renderer{c.version}
	scope, err := scopeOf(specs, r, map[string]any{"globals": c.early(x)})
	if err != nil {
		return err
	}
	for _, pod := range c.pods() {
		if pod["connections"] != nil {
			if pod["connections"], err = r.value(pod["connections"], scope); err != nil {
				return err
			}
		}
		var inits []any
		for _, s := range specs {
			init, err := s.init()
			if err != nil {
				return err
			}
			if init != nil {
				inits = append(inits, init)
			}
		}
		own, isList := pod["init"].([]any)
		if pod["init"] != nil && !isList {
			continue
		}
		for _, element := range own {
			init, _ := element.(map[string]any)
			if (init["artifacts"] != nil || init["paths"] != nil) && init["connection"] == nil {
				put(init, "connection", x.Store.Name)
			}
			if init["connection"] != nil {
				if init["connection"], err = r.value(init["connection"], scope); err != nil {
					return err
				}
			}
			inits = append(inits, element)
		}
		if pod["init"] = any(inits); len(inits) == 0 {
			delete(pod, "init")
			if c.Kind != "job" && c.Kind != "service" {
				pod["init"] = []any{}
			}
		}
	}
	return nil
}

// rendered are the sections that are rendered before the run is.
func rendered() []string {
	return []string{
		"isApproved", "matrix", "presets", "cost", "queue", "cache", "plugins", "namespace", "termination", "schedule", "dependencies", "trigger",
		"conditions", "mount", "skipOnUpstreamSkip",
	}
}

// renderSections renders all but the run, the build and the hooks. What a run has
// no more use for is left out: its joins and events.
func (c *Compiled) renderSections(x Context) error {
	specs, err := c.specs(nil)
	if err != nil {
		return err
	}
	r := &renderer{c.version}
	scope, err := scopeOf(specs, r, map[string]any{"globals": c.early(x)})
	if err != nil {
		return err
	}
	root := map[string]any{}
	for _, key := range []string{"kind", "version", "name", "description", "tags", "run", "build", "hooks"} {
		if value := c.root[key]; value != nil && value != "" {
			root[key] = value
		}
	}
	if c.Schedule() != "" && c.root["strictParams"] != nil {
		root["strictParams"] = c.root["strictParams"]
	}
	for _, key := range []string{"contexts", "inputs", "outputs"} {
		list, _ := c.root[key].([]any)
		var all []any
		for _, element := range list {
			m, _ := element.(map[string]any)
			io, err := r.io(m, scope)
			if err != nil {
				return err
			}
			all = append(all, io)
		}
		if len(all) > 0 {
			root[key] = all
		}
	}
	for _, key := range rendered() {
		if c.root[key] == nil {
			continue
		}
		value, err := r.value(c.root[key], scope)
		if err != nil {
			return err
		}
		if _, isText := value.(string); key == "conditions" && !isText {
			value = python.Str(value)
		}
		root[key] = value
	}
	return c.read(root)
}

// read shapes the operation again, as a server does after each rendering.
func (c *Compiled) read(root map[string]any) error {
	o := compiledObject(c.shaper)
	shaped, err := c.shaper.object(o, c.shaper.prune(o, root))
	if err != nil {
		return &CompileError{"Could not apply run context, error: " + err.Error()}
	}
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range readIO(shaped, section) {
			if err := x.checkDefault(c.version); err != nil {
				return &CompileError{"Could not apply run context, error: " + err.Error()}
			}
		}
	}
	c.root = c.shaper.prune(o, shaped)
	return nil
}

// checkDefault holds an input's own value against its type.
func (x inout) checkDefault(version Version) error {
	if x.value == nil || x.kind == "" {
		return nil
	}
	_, err := x.convertFor(x.value, version)
	return err
}

// checkConnections looks the run's connections up in the catalog.
func (c *Compiled) checkConnections(x Context) error {
	var missing []string
	for _, pod := range c.pods() {
		for _, name := range append(names(pod["connections"]), initConnections(pod)...) {
			if _, ok := x.Connections[name]; !ok && name != x.Store.Name && !slices.Contains(missing, "'"+name+"'") {
				missing = append(missing, "'"+name+"'")
			}
		}
	}
	if len(missing) > 0 && c.Kind != "cleaner" {
		slices.Sort(missing)
		return &CompileError{"Some connection refs were provided but were not found in the agent.connections catalog: `{" + strings.Join(missing, ", ") + "}`"}
	}
	if namespace, ok := c.root["namespace"].(string); ok && namespace != x.Namespace && x.Namespace != "" {
		return &CompileError{"The provided namespace `" + namespace + "` is not managed by the agent."}
	}
	return nil
}

func names(value any) []string {
	list, _ := value.([]any)
	var all []string
	for _, element := range list {
		if name, ok := element.(string); ok {
			all = append(all, name)
		}
	}
	return all
}

func initConnections(pod map[string]any) []string {
	inits, _ := pod["init"].([]any)
	var all []string
	for _, init := range inits {
		m, _ := init.(map[string]any)
		if name, ok := m["connection"].(string); ok {
			all = append(all, name)
		}
	}
	return all
}

// renderRun renders the run, with all that templates can see.
func (c *Compiled) renderRun(x Context) error {
	specs, err := c.specs(nil)
	if err != nil {
		return err
	}
	r := &renderer{c.version}
	run := clone(asMap(c.root["run"]))
	plugins := asMap(c.root["plugins"])
	pods := c.pods()
	besides := func(pod map[string]any) map[string]any {
		g := c.globals(x, plugins)
		if namespace := c.root["namespace"]; namespace != nil {
			g["namespace"] = namespace
		}
		if c.Kind == "service" {
			c.addresses(g, asMap(c.root["run"]), x)
		}
		return map[string]any{"globals": g, "connections": schemas(x, names(pod["connections"])), "init": schemas(x, initConnections(pod))}
	}
	if pod, single := pods[""]; single {
		scope, err := scopeOf(specs, r, besides(pod))
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
		run = asMap(value)
	} else if err := c.renderReplicas(run, pods, specs, r, besides); err != nil {
		return err
	}
	if c.version.Major == 1 {
		dropNone(run["container"])
	}
	root := clone(c.root)
	root["run"] = run
	return c.read(root)
}

// renderReplicas renders each replica with its own connections. Nothing else of
// such a run is rendered.
func (c *Compiled) renderReplicas(run map[string]any, pods map[string]map[string]any, specs []spec, r *renderer, besides func(map[string]any) map[string]any) error {
	for key, value := range run {
		replica, ok := value.(map[string]any)
		if !ok {
			continue
		}
		more := map[string]any{}
		if pod, ok := pods[key]; ok {
			more = besides(pod)
			if c.version.Major != 1 {
				markPod(replica)
			}
		} else if key == "workers" {
			// Polyaxon gives the workers of a Ray cluster their contexts by name only.
			for path, pod := range pods {
				if name, ok := strings.CutPrefix(path, "workers."); ok {
					more[name] = besides(pod)
					markPod(asMap(replica[name]))
				}
			}
		} else {
			continue
		}
		all := specs
		for _, name := range sortedKeys(more) {
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

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	if m == nil {
		return map[string]any{}
	}
	return m
}

func schemas(x Context, names []string) map[string]any {
	all := map[string]any{}
	for _, name := range names {
		connection, ok := x.Connections[name]
		if !ok && name == x.Store.Name {
			connection = x.Store
		}
		all[name] = clone(connection.Schema)
	}
	return all
}

// values notes what inputs and outputs have become.
func (c *Compiled) values() {
	c.Inputs, c.Outputs = map[string]any{}, map[string]any{}
	for _, section := range []string{"inputs", "outputs", "contexts"} {
		for _, x := range readIO(c.root, section) {
			s := specOf(x)
			switch section {
			case "inputs":
				c.Inputs[x.name] = x.value
			case "outputs":
				c.Outputs[x.name] = x.value
			}
			if x.toEnv != "" && x.value != nil {
				c.ToEnv[x.toEnv] = s.asString()
			}
		}
	}
}
