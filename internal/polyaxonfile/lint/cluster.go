package lint

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// Kind is a kind of object that a run may need from its cluster.
type Kind string

// The kinds.
const (
	Secret      Kind = "secret"
	ConfigMap   Kind = "config map"
	VolumeClaim Kind = "volume claim"
	// Connection is an entry of the Polyaxon agent's catalog.
	Connection Kind = "connection"
)

// Inventory reports what exists where runs go. Its methods may be called concurrently.
type Inventory interface {
	// Has reports whether an object exists, or may exist: without the permission to look, the
	// answer is true.
	Has(ctx context.Context, kind Kind, name string) bool
	// Names returns the known names of a kind. They are used to suggest a similar name.
	Names(ctx context.Context, kind Kind) []string
}

// MissingSecret is the rule that reports a missing Secret. ExceedsMachine is the rule
// that reports requests above what the sandbox's machine has.
const (
	MissingSecret  = "missing-secret"
	ExceedsMachine = "exceeds-machine"
)

// rule returns the name of the rule that reports missing objects of the kind.
func (k Kind) rule() string { return "missing-" + strings.ReplaceAll(string(k), " ", "-") }

// stage returns the stage at which a run fails when it lacks an object of the kind.
func (k Kind) stage() file.Stage {
	if k == Connection {
		return file.StageCompile
	}
	return file.StageRun
}

func clusterRules() []Rule {
	missing := func(kind Kind, summary, help string) Rule {
		return Rule{Name: kind.rule(), Severity: file.SeverityError, Stage: kind.stage(), Summary: summary, Help: help,
			check: func(p *pass) { missingFrom(p, kind) }}
	}
	return []Rule{
		missing(Secret, "A Secret that is not found in the cluster",
			"The pod stays in CreateContainerConfigError, or waits for its volume, until the run times out. Secrets of slipway.yaml count as present, because deploy syncs them first. References with `optional: true` are ignored. "+
				"A name that a template makes is checked after the template is rendered with the params of the job in slipway.yaml."),
		missing(ConfigMap, "A ConfigMap that is not found in the cluster", "The pod does not start. Create it, or correct the name."),
		missing(VolumeClaim, "A PersistentVolumeClaim that is not found in the cluster", "The run stays pending. Create the claim, or correct its name."),
		missing(Connection, "A connection that is not found in the agent's catalog",
			"The run fails when it is compiled. Connections are set up with Polyaxon's Helm chart; their names are in the ConfigMap of the agent, where check reads them."),
		{Name: ExceedsMachine, Severity: file.SeverityError, Stage: file.StageRun,
			Summary: "A job asks for more than the sandbox's machine has",
			Help:    "On the sandbox a job runs on this machine, and one that asks for a GPU, processors or memory that the machine does not have can never run. Set `gpu: 0` for the job in an environment of slipway.yaml, ask for less, or deploy to a cluster."},
	}
}

// missingFrom reports the objects of a kind that the unit names and the cluster does not
// have.
func missingFrom(p *pass, kind Kind) {
	if p.options.Cluster == nil {
		return
	}
	for _, n := range p.needs() {
		if n.kind != kind || templated(n.name) {
			continue
		}
		if message, hint := n.missing(p, p.options.Cluster); message != "" {
			p.value(n.path, hint, "%s", message)
		}
	}
}

// Missing returns findings for objects that the file names and that the cluster does not
// have. It runs no other rules.
func Missing(ctx context.Context, f *file.File, cluster Inventory) []Finding {
	c := &collection{index: map[findingKey]int{}}
	applyRules(ctx, f, Options{Versions: []schema.Version{schema.Newest()}, Cluster: cluster}, clusterRules(), newCache(), c)
	return suppress(f, c.all)
}

// MissingRendered returns findings for objects that the file names by templates and that
// the cluster does not have. The compiled operation c has the rendered names.
func MissingRendered(ctx context.Context, f *file.File, c *compile.Compiled, cluster Inventory) []Finding {
	var root map[string]any
	if json.Unmarshal(c.JSON(), &root) != nil {
		return nil // slipway wrote this JSON: it is valid
	}
	u := unit{component: root}
	u.find()
	p := &pass{file: f}
	var all []Finding
	for _, n := range u.needs() {
		path := templateOf(f, n.path)
		if path == nil {
			continue
		}
		message, hint := n.missing(ctx, cluster)
		if message == "" {
			continue
		}
		at := f.At(path...)
		all = append(all, Finding{
			Error: source.Error{Position: at, Message: message, Hint: hint}, Rule: n.kind.rule(), Severity: file.SeverityError, Stage: n.kind.stage(),
			Length: p.length(at), Line: f.Line(at),
		})
	}
	return all
}

// templateOf returns the path in the file of the template that produced the value at a
// path of the compiled operation. It returns nil when the value does not come from a
// template.
func templateOf(f *file.File, compiled []string) []string {
	_, component := f.Component()
	for _, base := range [][]string{nil, component} {
		path := extend(base, compiled...)
		var value any = f.Root()
		for i, key := range path {
			if m, isMap := value.(map[string]any); isMap {
				value = m[key]
			} else if n, err := strconv.Atoi(key); err == nil && n < len(list(value)) {
				value = list(value)[n]
			} else {
				break
			}
			if templated(text(value)) {
				return path[:i+1]
			}
		}
	}
	return nil
}

// missing returns a message that the cluster does not have the object, or "" when it
// does.
func (n need) missing(ctx context.Context, cluster Inventory) (message, hint string) {
	if n.name == "" || cluster.Has(ctx, n.kind, n.name) {
		return "", ""
	}
	if hint = didYouMean(n.name, cluster.Names(ctx, n.kind)); hint == "" && n.kind == Secret {
		hint = "declare it in secrets of slipway.yaml, or correct the name"
	}
	return fmt.Sprintf("%s %s not found in the cluster of the run", n.kind, n.name), hint
}

// need is an object that a run needs from its cluster, and the path that names it.
type need struct {
	kind Kind
	name string
	path []string
}

func (u unit) needs() []need {
	var all []need
	add := func(kind Kind, holder any, key string, path []string) {
		m := mapping(holder)
		if optional, _ := m["optional"].(bool); !optional {
			all = append(all, need{kind, text(m[key]), extend(path, key)})
		}
	}
	for _, pod := range u.pods() {
		for i, element := range list(pod.values["connections"]) {
			all = append(all, need{Connection, text(element), extend(pod.path, "connections", itoa(i))})
		}
		for i, element := range list(pod.values["init"]) {
			add(Connection, element, "connection", extend(pod.path, "init", itoa(i)))
		}
		for i, element := range list(pod.values["volumes"]) {
			volume, path := mapping(element), extend(pod.path, "volumes", itoa(i))
			add(Secret, volume["secret"], "secretName", extend(path, "secret"))
			add(ConfigMap, volume["configMap"], "name", extend(path, "configMap"))
			add(VolumeClaim, volume["persistentVolumeClaim"], "claimName", extend(path, "persistentVolumeClaim"))
		}
		secrets := mapping(pod.values["environment"])["imagePullSecrets"]
		for i, element := range list(secrets) {
			all = append(all, need{Secret, text(element), extend(pod.path, "environment", "imagePullSecrets", itoa(i))})
		}
	}
	for _, c := range u.containers() {
		for i, element := range list(c.values["env"]) {
			from, path := mapping(mapping(element)["valueFrom"]), extend(c.path, "env", itoa(i), "valueFrom")
			add(Secret, from["secretKeyRef"], "name", extend(path, "secretKeyRef"))
			add(ConfigMap, from["configMapKeyRef"], "name", extend(path, "configMapKeyRef"))
		}
		for i, element := range list(c.values["envFrom"]) {
			from, path := mapping(element), extend(c.path, "envFrom", itoa(i))
			add(Secret, from["secretRef"], "name", extend(path, "secretRef"))
			add(ConfigMap, from["configMapRef"], "name", extend(path, "configMapRef"))
		}
	}
	return all
}
