package lint

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func graphRules() []Rule {
	return []Rule{
		{Name: "dag-cycle", Severity: file.SeverityError, Stage: file.StageCompile, check: dagCycle,
			Summary: "A dependency cycle in a dag",
			Help:    "A depends on B and B on A, directly or by way of others, by `dependencies` or by a param whose `ref` is `ops.NAME`. The dag fails when it is compiled."},
		{Name: "unknown-dependency", Severity: file.SeverityError, Stage: file.StageCompile, check: unknownDependency,
			Summary: "A dependency on an operation that the dag does not have",
			Help:    "`dependencies` and `ref: ops.NAME` name other operations of the same dag. The dag fails when it is compiled."},
		{Name: "repeated-operation", Severity: file.SeverityError, Stage: file.StageCompile, check: repeatedOperation,
			Summary: "Two operations of a dag have the same name, or one has none",
			Help:    "Operations of a dag refer to each other by name, so each needs one of its own."},
	}
}

// graph holds the operations of a dag by name, with their paths.
type graph struct {
	names  []string
	paths  map[string][]string
	values map[string]map[string]any
}

func (u unit) graph() *graph {
	if u.run["kind"] != "dag" {
		return nil
	}
	g := &graph{paths: map[string][]string{}, values: map[string]map[string]any{}}
	for i, element := range list(u.run["operations"]) {
		operation := mapping(element)
		name := text(operation["name"])
		if operation == nil || name == "" || g.paths[name] != nil {
			continue
		}
		g.names = append(g.names, name)
		g.paths[name], g.values[name] = extend(u.runPath, "operations", itoa(i)), operation
	}
	return g
}

// edge is a dependency on the operation to, and the path at which it is declared.
type edge struct {
	to   string
	path []string
}

func (g *graph) edges(name string) []edge {
	var all []edge
	for i, element := range list(g.values[name]["dependencies"]) {
		if to := text(element); to != "" && !templated(to) {
			all = append(all, edge{to, extend(g.paths[name], "dependencies", itoa(i))})
		}
	}
	params := mapping(g.values[name]["params"])
	for _, param := range sorted(params) {
		if to, ok := strings.CutPrefix(text(mapping(params[param])["ref"]), "ops."); ok && !templated(to) {
			all = append(all, edge{to, extend(g.paths[name], "params", param, "ref")})
		}
	}
	for i, element := range list(g.values[name]["events"]) {
		if to, ok := strings.CutPrefix(text(mapping(element)["ref"]), "ops."); ok {
			all = append(all, edge{to, extend(g.paths[name], "events", itoa(i), "ref")})
		}
	}
	return all
}

func dagCycle(p *pass) {
	g := p.graph()
	if g == nil {
		return
	}
	const visiting, done = 1, 2
	state := map[string]int{}
	var trail []string
	var visit func(name string) bool
	visit = func(name string) bool {
		state[name], trail = visiting, append(trail, name)
		for _, e := range g.edges(name) {
			switch {
			case g.values[e.to] == nil:
			case state[e.to] == visiting:
				cycle := append(append([]string{}, trail[indexOf(trail, e.to):]...), e.to)
				p.value(e.path, "remove one of these dependencies", "the operations form a dependency cycle: %s", strings.Join(cycle, " -> "))
				return true
			case state[e.to] != done:
				if visit(e.to) {
					return true
				}
			}
		}
		state[name], trail = done, trail[:len(trail)-1]
		return false
	}
	for _, name := range g.names {
		if state[name] == 0 && visit(name) {
			return
		}
	}
}

func unknownDependency(p *pass) {
	g := p.graph()
	if g == nil {
		return
	}
	for _, name := range g.names {
		for _, e := range g.edges(name) {
			if g.values[e.to] == nil {
				p.value(e.path, didYouMean(e.to, g.names), "the dag has no operation %s", e.to)
			}
		}
	}
}

func repeatedOperation(p *pass) {
	if p.run["kind"] != "dag" {
		return
	}
	seen := map[string]bool{}
	for i, element := range list(p.run["operations"]) {
		path := extend(p.runPath, "operations", itoa(i))
		name := text(mapping(element)["name"])
		switch {
		case mapping(element) == nil:
		case name == "":
			p.value(path, "add name", "an operation of a dag needs a name")
		case seen[name]:
			p.value(extend(path, "name"), "choose another name", "two operations are called %s", name)
		}
		seen[name] = true
	}
}
