package compile

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// pods returns the parts of a run that have containers: the run itself under "", or its
// replicas by the keys that lead to them.
func (c *Compiled) pods() map[string]map[string]any {
	run, _ := c.root["run"].(map[string]any)
	pods := map[string]map[string]any{}
	switch c.Kind {
	case "tfjob", "pytorchjob", "mpijob", "daskcluster", "raycluster":
		kind, _, _ := c.composer.Tables.Union("run").Find(c.Kind, c.version)
		for _, path := range c.composer.Replicas(kind.Object, run) {
			m := run
			for _, key := range path {
				m, _ = m[key].(map[string]any)
			}
			pods[strings.Join(path, ".")] = m
		}
	default:
		pods[""] = run // a dag has no pod of its own, but may have connections
	}
	return pods
}

// applyConnections renders the names of connections, and inserts the init containers of
// params before the others.
func (c *Compiled) applyConnections(x Context) error {
	if slices.Contains([]string{"notifier", "cleaner", "tuner", "daskcluster", "raycluster"}, c.Kind) {
		return nil
	}
	specs, err := c.specs(nil)
	if err != nil {
		return err
	}
	r := &renderer{c.version}
	scope, err := scopeOf(specs, r, map[string]any{"globals": c.globalsBeforeRun(x)})
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
			init, err := s.init(c.version)
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

// checkConnections returns an *Error for connections of the run that are not in the
// catalog.
func (c *Compiled) checkConnections(x Context) error {
	var missing []string
	for _, pod := range c.pods() {
		for _, name := range append(names(pod["connections"]), initConnections(pod)...) {
			if _, ok := x.connection(name); !ok && name != x.Store.Name && !slices.Contains(missing, "'"+name+"'") {
				missing = append(missing, "'"+name+"'")
			}
		}
	}
	if len(missing) > 0 && c.Kind != "cleaner" {
		slices.Sort(missing)
		return &Error{"Some connection refs were provided but were not found in the agent.connections catalog: `{" + strings.Join(missing, ", ") + "}`"}
	}
	if namespace, ok := c.root["namespace"].(string); ok && namespace != x.Namespace && x.Namespace != "" {
		return &Error{"The provided namespace `" + namespace + "` is not managed by the agent."}
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

func schemas(x Context, names []string) map[string]any {
	all := map[string]any{}
	for _, name := range names {
		connection, ok := x.connection(name)
		if !ok && name == x.Store.Name {
			connection = x.Store
		}
		all[name] = plain.Clone(connection.Schema)
	}
	return all
}
